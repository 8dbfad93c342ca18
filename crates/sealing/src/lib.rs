//! Secrets at rest: envelope encryption, bound to their place.
