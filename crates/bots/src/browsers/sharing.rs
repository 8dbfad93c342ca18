//! The operator's settings for how bots share browsers.

use std::num::NonZeroU32;

use crate::servers::{capacity, machine::Machine};

/// How bots share browsers.
#[derive(Debug, Clone, Copy)]
pub struct BrowserSharing {
    /// The most pages of a browser. With 1, no bot gets a browser that another bot has used.
    pub most_of_a_browser: NonZeroU32,
    /// How many pages are kept open and ready for bots that join at once.
    pub warm_pages: WarmPages,
    /// Memory limit in bytes for each page of a browser, plus once as much for the browser itself. A browser that exceeds it
    /// is replaced.
    pub most_memory_of_a_bot: u64,
}

/// How many warm pages there are: open pages with Zoom's SDK initialised, which no bot uses yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WarmPages {
    /// Always this many.
    Fixed(usize),
    /// One for each free slot, but at most as many as fit in a quarter of the memory for bots. At least one.
    Measured {
        /// The expected memory of a bot, in bytes.
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
    /// The memory limit of a browser with so many pages, in bytes.
    pub(super) fn most_memory(&self, pages: u32) -> u64 {
        self.most_memory_of_a_bot.saturating_mul(u64::from(pages) + 1)
    }
}

impl WarmPages {
    /// The most warm pages that the memory allows. `browsers` is the memory that the browsers use now, in bytes.
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
    fn warm_pages_take_a_quarter_of_the_memory_for_bots_and_there_is_at_least_one() {
        let measured = WarmPages::Measured { memory_of_a_bot: 256 * MIB };
        let with = |mib: u64| Machine { cores: 2, available_memory: Some(mib * MIB) };
        let free = measured.most(with(16 * 1024), 0);
        assert!((12..=16).contains(&free), "{free}");
        // Memory that browsers use already counts as memory for bots.
        assert_eq!(measured.most(with(8 * 1024), 8 * 1024 * MIB), free);
        assert_eq!(measured.most(with(0), 0), 1);
        assert_eq!(measured.most(Machine { cores: 2, available_memory: None }, 0), 1);
        assert_eq!(WarmPages::Fixed(0).most(with(16 * 1024), 0), 0);
    }
}
