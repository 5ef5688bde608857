//! Core Service: where accounts and histories come from (contracts §3).
