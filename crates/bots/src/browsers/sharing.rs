//! How bots share browsers: the operator's settings.

use std::num::NonZeroU32;

use crate::servers::{capacity, machine::Machine};

/// How bots share browsers.
#[derive(Debug, Clone, Copy)]
pub struct BrowserSharing {
    /// Most pages of a browser. With 1 no bot ever gets a browser that another one has used.
    pub most_of_a_browser: NonZeroU32,
    /// Pages that are kept warm.
    pub warm_pages: WarmPages,
    /// Bytes for each page of a browser, and as much for the browser itself, above which it is replaced.
    pub most_memory_of_a_bot: u64,
}

/// How many pages are kept warm.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WarmPages {
    /// This many.
    Fixed(usize),
    /// One for each free place, as long as they take no more than a quarter of the memory that bots could have. At least
    /// one.
    Measured {
        /// What a bot is reckoned to take, in bytes.
        memory_of_a_bot: u64,
    },
}

impl Default for BrowserSharing {
    fn default() -> Self {
        let most_of_a_browser = NonZeroU32::new(20).expect("not zero");
        Self { most_of_a_browser, warm_pages: WarmPages::Fixed(0), most_memory_of_a_bot: 600 * 1024 * 1024 }
    }
}

impl BrowserSharing {
    /// What a browser with so many pages may take, in bytes.
    pub(super) fn most_memory(&self, pages: u32) -> u64 {
        self.most_memory_of_a_bot.saturating_mul(u64::from(pages) + 1)
    }
}

impl WarmPages {
    /// How many, by the memory; `browsers` is what these take of it.
    pub(super) fn most(self, machine: Machine, browsers: u64) -> usize {
        match self {
            Self::Fixed(pages) => pages,
            Self::Measured { memory_of_a_bot } => {
                let bots = capacity::by_memory(machine, browsers, memory_of_a_bot);
                usize::try_from(bots.unwrap_or(0) / 4).unwrap_or(usize::MAX).max(1)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::WarmPages;
    use crate::servers::machine::Machine;

    const MIB: u64 = 1024 * 1024;

    #[test]
    fn a_quarter_of_the_memory_for_bots_is_kept_warm_and_one_page_at_least() {
        let measured = WarmPages::Measured { memory_of_a_bot: 256 * MIB };
        let with = |mib: u64| Machine { cores: 2, available_memory: Some(mib * MIB) };
        let free = measured.most(with(16 * 1024), 0);
        assert!((12..=16).contains(&free), "{free}");
        // What browsers take already is memory of bots.
        assert_eq!(measured.most(with(8 * 1024), 8 * 1024 * MIB), free);
        assert_eq!(measured.most(with(0), 0), 1);
        assert_eq!(measured.most(Machine { cores: 2, available_memory: None }, 0), 1);
        assert_eq!(WarmPages::Fixed(0).most(with(16 * 1024), 0), 0);
    }
}
