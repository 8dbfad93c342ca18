//! Zoom as its servers behave. Shares no code with the client.
