//! Addresses that a mail filter or a redirect has put around another: Outlook's SafeLinks, Proofpoint, Barracuda, Google and
//! similar ones.
//!
//! Nothing is fetched, so only a target in the address itself is found. The owner of the address does not matter: it is
//! never called, and it can only name a meeting.

use base64::{
    Engine as _,
    alphabet::{STANDARD, URL_SAFE},
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use percent_encoding::percent_decode_str;
use url::Url;

use super::{
    LinkError, PASSCODE, Parameters, REGISTRATION, decoded, is_zooms,
    pasted::{ENCODED_SCHEMES, SCHEMES, starts_with},
    under,
};

/// Services whose addresses are keys of their own tables.
const HIDING: &[&str] =
    &["mimecast.com", "mimecastprotect.com", "bit.ly", "t.co", "tinyurl.com", "goo.gl", "lnkd.in"];
const PROOFPOINT: &[&str] = &["urldefense.com", "urldefense.us", "proofpoint.com"];

const PADDED_OR_NOT: GeneralPurposeConfig =
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);

/// The addresses in `address`, which is not Zoom's.
pub(super) fn targets(address: &str, url: &Url) -> Result<Vec<String>, LinkError> {
    let host = url.host_str().unwrap_or_default();
    let parameters = Parameters::of(address);
    if PROOFPOINT.iter().any(|domain| under(host, domain)) {
        return Ok(of_proofpoint(address, url, &parameters));
    }
    if let Some(target) = in_path(address) {
        return Ok(vec![target]);
    }
    let found: Vec<_> = in_parameters(&parameters).collect();
    let hides = HIDING.iter().any(|domain| under(host, domain))
        || parameters.0.iter().any(|(name, value)| name == "domain" && is_zooms(value));
    match found[..] {
        [] if hides => Err(LinkError::Hidden),
        // If it was written without escapes, the target's own parameters have become the wrapper's.
        [_, ..]
            if parameters.0.iter().any(|(name, _)| PASSCODE.contains(&&**name) || name == REGISTRATION) =>
        {
            Err(LinkError::Unclear)
        }
        _ => Ok(found),
    }
}

fn is_address(text: &str) -> bool {
    SCHEMES.iter().any(|scheme| starts_with(text, scheme))
}

/// Parameters that are addresses, escaped or in Base64 (Sophos).
fn in_parameters(parameters: &Parameters) -> impl Iterator<Item = String> {
    parameters.0.iter().filter_map(|(_, written)| {
        let value = decoded(written);
        if is_address(&value) { Some(value) } else { of_base64(&value).filter(|value| is_address(value)) }
    })
}

fn of_base64(text: &str) -> Option<String> {
    let bytes = GeneralPurpose::new(&STANDARD, PADDED_OR_NOT).decode(text).ok();
    let bytes = bytes.or_else(|| GeneralPurpose::new(&URL_SAFE, PADDED_OR_NOT).decode(text).ok());
    String::from_utf8(bytes?).ok()
}

/// An address after the wrapper's own path (Cisco), escaped or not.
fn in_path(address: &str) -> Option<String> {
    let (_, path) = address.split_once("://")?;
    let path = path.split_once('/').map_or("", |(_, path)| path);
    let own = path.split(['?', '#']).next().unwrap_or_default().to_ascii_lowercase();
    let first = |starts: &[&str]| starts.iter().filter_map(|start| own.find(start)).min();
    let plain = first(SCHEMES).map(|at| path[at..].to_owned());
    let escaped = || {
        let at = first(ENCODED_SCHEMES)?;
        Some(percent_decode_str(&path[at..own.len()]).decode_utf8_lossy().into_owned())
    };
    plain.or_else(escaped)
}

fn of_proofpoint(address: &str, url: &Url, parameters: &Parameters) -> Vec<String> {
    let u = || parameters.0.iter().find(|(name, _)| name == "u").map(|(_, value)| &**value);
    let target = if url.path().starts_with("/v3/") {
        of_proofpoint_3(address)
    } else if url.path().starts_with("/v2/") {
        // `-3A` for `%3A`, and `_` for a slash.
        u().map(|value| decoded(&value.replace('-', "%").replace('_', "/")))
    } else {
        u().map(decoded)
    };
    target.filter(|target| is_address(target)).into_iter().collect()
}

/// `/v3/__ADDRESS__;BYTES!…`: each `*` in the address stands for the next byte of `BYTES`, `**` and a letter for several.
fn of_proofpoint_3(address: &str) -> Option<String> {
    const LENGTHS: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let (_, after) = address.split_once("/v3/__")?;
    let (written, after) = after.split_once("__;")?;
    let bytes = after.split('!').next().unwrap_or_default();
    let bytes = GeneralPurpose::new(&URL_SAFE, PADDED_OR_NOT).decode(bytes).ok()?;
    let replaced = String::from_utf8(bytes).ok()?;
    let (mut replaced, mut target, mut written) =
        (replaced.chars(), String::new(), written.chars().peekable());
    while let Some(char) = written.next() {
        let count = match char {
            '*' if written.next_if_eq(&'*').is_some() => 2 + LENGTHS.find(written.next()?)?,
            '*' => 1,
            char => {
                target.push(char);
                continue;
            }
        };
        for _ in 0..count {
            target.push(replaced.next()?);
        }
    }
    // One of two slashes is lost if the address was already escaped when Proofpoint got it.
    Some(match target.split_once(":/") {
        Some((scheme, rest)) if !rest.starts_with('/') => format!("{scheme}://{rest}"),
        _ => target,
    })
}
