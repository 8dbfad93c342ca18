//! The parts of the worker's places: those of a host that hangs, or of a workspace whose endpoints all hang, are few.

use model::Secret;
use url::Url;

/// Endpoints of one host, and of one workspace, that are told at once: when there are so many, no more are claimed. What is
/// claimed in one go may be as many again.
pub(crate) const MAX_PER_HOST: u32 = 16;

/// The lane of an address: a digest of its host, so that the host itself is not shown. All mail has one lane: it goes to one
/// server.
pub(crate) fn host_digest(url: &Secret) -> String {
    if url.expose().starts_with("mailto:") {
        return "mail".to_owned();
    }
    let url = Url::parse(url.expose()).ok();
    let host = url.and_then(|url| Some((url.host_str()?.to_owned(), url.port_or_known_default())));
    let Some((host, port)) = host else { return String::new() };
    let digest = tenants::digest(&format!("{host}:{}", port.unwrap_or(0)));
    u64::from_le_bytes(digest[..8].try_into().expect("a digest is longer")).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lane_is_a_host_with_its_port() {
        let lane = |url: &str| host_digest(&Secret::new(url));
        assert_eq!(lane("https://a.test/one?x=1"), lane("https://A.test:443/two"));
        assert_ne!(lane("https://a.test/"), lane("https://b.test/"));
        assert_ne!(lane("http://a.test:1/"), lane("http://a.test:2/"));
        assert_eq!(lane("mailto:ops@a.test"), lane("mailto:ada@b.test"));
        assert_eq!(lane("nonsense"), "");
    }
}
