//! Endpoints are told of events.
