//! One bot in one page: Chromium, the SDK page, its events.
