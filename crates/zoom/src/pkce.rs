//! PKCE (RFC 7636): proves that the party that exchanges a code is the one that requested it.

use aws_lc_rs::digest;
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use model::{Entropy, Secret};

/// A new verifier: 256 bits, 43 characters. It is stored until the code arrives.
pub fn verifier(entropy: &dyn Entropy) -> Secret {
    Secret::new(entropy.token())
}

/// The S256 challenge of `verifier`, which goes into the consent address.
pub fn challenge(verifier: &Secret) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, verifier.expose().as_bytes()))
}

#[cfg(test)]
mod tests {
    use model::SeededEntropy;

    use super::*;

    #[test]
    fn the_challenge_is_the_one_of_the_standard() {
        // RFC 7636, appendix B.
        let verifier = Secret::new("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
        assert_eq!(challenge(&verifier), "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
    }

    #[test]
    fn a_verifier_is_used_once() {
        let entropy = SeededEntropy::new(1);
        let (one, two) = (verifier(&entropy), verifier(&entropy));
        assert_eq!(one.expose().len(), 43);
        assert_ne!(one.expose(), two.expose());
    }
}
