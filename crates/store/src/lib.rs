//! What storage promises: one trait per aggregate and one conformance suite. No SQL.
