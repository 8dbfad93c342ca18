//! Random ids, secrets and keys from an injectable source.

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// Source of randomness: the operating system, or a seed when a run must be reproducible.
#[derive(Debug)]
pub(crate) enum Entropy {
    /// Unpredictable.
    System,
    /// SHA-256 over seed and counter: the same seed gives the same ids. Not for real secrets.
    Seeded { seed: u64, counter: u64 },
}

impl Entropy {
    pub(crate) fn new(seed: Option<u64>) -> Self {
        seed.map_or(Self::System, |seed| Self::Seeded { seed, counter: 0 })
    }

    /// 32 random bytes.
    #[expect(clippy::disallowed_methods, reason = "the one place that asks the operating system")]
    pub(crate) fn bytes(&mut self) -> [u8; 32] {
        let mut bytes = [0; 32];
        match self {
            Self::System => {
                aws_lc_rs::rand::fill(&mut bytes).expect("the operating system provides randomness");
            }
            Self::Seeded { seed, counter } => {
                *counter += 1;
                let input = [seed.to_be_bytes(), counter.to_be_bytes()].concat();
                bytes.copy_from_slice(digest(&SHA256, &input).as_ref());
            }
        }
        bytes
    }

    /// 22 URL-safe characters (128 bits): the length of Zoom's user, account and client ids (O).
    pub(crate) fn id(&mut self) -> String {
        URL_SAFE_NO_PAD.encode(&self.bytes()[..16])
    }

    /// 43 URL-safe characters (256 bits): secrets, codes and one-time ids.
    pub(crate) fn secret(&mut self) -> String {
        URL_SAFE_NO_PAD.encode(self.bytes())
    }

    /// A whole number in `low..low + count`; the modulo bias does not matter here.
    pub(crate) fn number(&mut self, low: u64, count: u64) -> u64 {
        let bytes = self.bytes();
        let raw = bytes[..8].iter().fold(0_u64, |sum, byte| (sum << 8) | u64::from(*byte));
        low + raw % count
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_seed_is_reproducible() {
        let (mut a, mut b) = (Entropy::new(Some(7)), Entropy::new(Some(7)));
        let first = a.id();
        assert_eq!(first, b.id());
        assert_ne!(first, a.id());
        assert_ne!(Entropy::new(None).secret(), Entropy::new(None).secret());
    }

    #[test]
    fn numbers_stay_in_their_range() {
        let mut entropy = Entropy::new(Some(1));
        for _ in 0..100 {
            assert!((80..90).contains(&entropy.number(80, 10)));
        }
    }
}
