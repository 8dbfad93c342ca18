//! `latchkey sim`: Zoom as its servers behave, on this machine.

use std::path::PathBuf;

use zoom_sim::{Simulator, SimulatorConfig};

use crate::shutdown::{Stop, StopArguments};

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Port of the simulated zoom.us; 0 takes a free one.
    #[arg(long, default_value_t = 0)]
    zoom_port: u16,
    /// Port of the control API; 0 takes a free one.
    #[arg(long, default_value_t = 0)]
    control_port: u16,
    /// Where the certificate authority is kept, so that restarts are trusted.
    #[arg(long, default_value = "data/sim")]
    directory: PathBuf,
    /// Make ids and tokens repeatable.
    #[arg(long)]
    seed: Option<u64>,
    #[command(flatten)]
    stop: StopArguments,
}

/// Runs until told to stop. Prints one line of JSON when ready.
pub(crate) async fn run(arguments: Arguments) -> anyhow::Result<()> {
    let stop = Stop::listen(arguments.stop)?;
    let simulator = Simulator::start(SimulatorConfig {
        zoom_port: arguments.zoom_port,
        control_port: arguments.control_port,
        directory: arguments.directory,
        seed: arguments.seed,
    })
    .await?;
    println!("{}", serde_json::to_string(simulator.ready())?);
    stop.asked().await;
    simulator.stop().await;
    Ok(())
}
