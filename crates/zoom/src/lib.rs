//! Zoom as its client sees it: OAuth, users, tokens, meeting links, SDK signature, join errors.
