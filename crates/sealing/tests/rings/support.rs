//! Key rings on disk, and a clock that only tests advance.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use model::{Environment, ManualClock, Sealed, Secret, SeededEntropy, Timestamp};
use sealing::{CellAddress, KeyRing, Keys, Provider};
use tempfile::TempDir;

/// Time, randomness, and a folder for a key file.
pub(crate) struct Fixture {
    pub(crate) env: Environment,
    pub(crate) clock: Arc<ManualClock>,
    folder: TempDir,
}

impl Fixture {
    pub(crate) fn new(seed: u64) -> Self {
        let clock = Arc::new(ManualClock::new(Timestamp::from_second(1_800_000_000)));
        let env = Environment { clock: clock.clone(), entropy: Arc::new(SeededEntropy::new(seed)) };
        Self { env, clock, folder: tempfile::tempdir().unwrap() }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The provider of this fixture's key file.
    pub(crate) fn provider(&self) -> Provider {
        Provider::file(self.path("keys.json"))
    }

    /// The key ring as a server loads it.
    pub(crate) async fn server(&self) -> Keys {
        self.provider().open(&self.env).await.unwrap()
    }

    pub(crate) fn pass(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }

    pub(crate) fn seal(&self, ring: &KeyRing, place: &CellAddress<'_>, text: &str) -> Sealed {
        ring.seal(place, &Secret::new(text), self.env.now(), &*self.env.entropy)
    }
}

/// A ring of one key.
pub(crate) async fn ring(seed: u64) -> Arc<KeyRing> {
    let fixture = Fixture::new(seed);
    fixture.provider().create(&fixture.env).await.unwrap().ring()
}

/// Runs a function that is asynchronous only by its signature.
pub(crate) fn block_on<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}
