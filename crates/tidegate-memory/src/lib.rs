//! In-process state for tidegate: a bounded table, exact under threads.
