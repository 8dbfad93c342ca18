//! Memory of an idle server.

use std::time::Duration;

use crate::{installation::Installation, procfs::pss_megabytes, test_bed::Place};

/// Time until the memory used by the start is released.
const SETTLING: Duration = Duration::from_secs(5);

/// PSS of a server's process, in megabytes.
pub(crate) async fn weigh(place: &Place, installation: &Installation) -> anyhow::Result<f64> {
    let server = installation.serve(place).await?;
    place.env.clock.sleep(SETTLING).await;
    let weight = pss_megabytes(&[server.process.id()])?;
    server.stop().await;
    Ok(weight)
}
