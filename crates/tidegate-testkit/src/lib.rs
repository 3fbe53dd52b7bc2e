//! Reference models and shared test cases for tidegate.
