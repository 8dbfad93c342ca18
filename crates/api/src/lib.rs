//! HTTP in: Recall-compatible API, token links, consent, Latchkey's own API.
