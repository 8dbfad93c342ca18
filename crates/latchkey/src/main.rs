//! Latchkey: meeting bots, signed in to Zoom.
fn main() {}
