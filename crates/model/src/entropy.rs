//! Randomness as an argument.

use std::{cell::RefCell, sync::Mutex};

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};

/// A source of unpredictable bytes.
pub trait Entropy: Send + Sync {
    /// Fills `bytes`.
    fn fill(&self, bytes: &mut [u8]);
}

impl dyn Entropy + '_ {
    /// `N` new bytes.
    pub fn bytes<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        self.fill(&mut bytes);
        bytes
    }

    /// 256 bits as URL-safe text of 43 characters: link secrets, states, verifiers, API keys.
    pub fn token(&self) -> String {
        BASE64_URL_SAFE_NO_PAD.encode(self.bytes::<32>())
    }

    /// A number in `0.0..1.0`, for jitter.
    pub fn fraction(&self) -> f64 {
        f64::from(u32::from_le_bytes(self.bytes())) / (f64::from(u32::MAX) + 1.0)
    }
}

/// The operating system's randomness.
#[derive(Debug, Clone, Copy)]
pub struct SystemEntropy;

/// The longest request that is served from the buffer, for ids. Secrets are longer and are generated directly.
const SHORT: usize = 16;

/// A buffer for ids: generating many bytes costs little more than generating a few.
struct Drawn {
    bytes: [u8; 64 * SHORT],
    left: usize,
}

thread_local! {
    static DRAWN: RefCell<Drawn> = const { RefCell::new(Drawn { bytes: [0; 64 * SHORT], left: 0 }) };
}

impl Entropy for SystemEntropy {
    fn fill(&self, bytes: &mut [u8]) {
        if bytes.len() <= SHORT {
            DRAWN.with_borrow_mut(|drawn| drawn.fill(bytes));
        } else {
            draw(bytes);
        }
    }
}

impl Drawn {
    fn fill(&mut self, bytes: &mut [u8]) {
        if self.left < bytes.len() {
            draw(&mut self.bytes);
            self.left = self.bytes.len();
        }
        let start = self.left - bytes.len();
        bytes.copy_from_slice(&self.bytes[start..self.left]);
        self.left = start;
    }
}

#[expect(clippy::disallowed_methods, reason = "this is the one place that uses the system's randomness")]
fn draw(bytes: &mut [u8]) {
    // It fails only when the kernel has no randomness; then there is no safe way to continue.
    aws_lc_rs::rand::fill(bytes).expect("the operating system gives random bytes");
}

/// Repeatable bytes for tests: the same seed gives the same ids, states and tokens. Never for production.
#[derive(Debug)]
pub struct SeededEntropy(Mutex<u64>);

impl SeededEntropy {
    /// Starts the sequence at `seed`.
    pub fn new(seed: u64) -> Self {
        Self(Mutex::new(seed))
    }
}

impl Entropy for SeededEntropy {
    fn fill(&self, bytes: &mut [u8]) {
        let mut state = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        for chunk in bytes.chunks_mut(8) {
            // SplitMix64: small, and any seed works.
            *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
            let mut word = *state;
            word = (word ^ (word >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            word = (word ^ (word >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
            chunk.copy_from_slice(&(word ^ (word >> 31)).to_le_bytes()[..chunk.len()]);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::{Entropy, SystemEntropy};

    #[test]
    fn no_bytes_are_repeated() {
        let entropy: &dyn Entropy = &SystemEntropy;
        let mut seen: HashSet<Vec<u8>> = HashSet::new();
        for length in (8..=16).cycle().take(5000) {
            let mut bytes = vec![0; length];
            entropy.fill(&mut bytes);
            assert!(bytes.iter().any(|byte| *byte != 0) && seen.insert(bytes[..8].to_vec()), "{length}");
        }
    }
}
