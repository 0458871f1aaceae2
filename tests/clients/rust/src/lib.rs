//! The crate rdkafka against the server at $BOOTSTRAP; each test's name is true
//! when it passes.
#![cfg(test)]

mod administration;
mod consuming;
mod groups;
mod producing;
mod support;
mod transactions;
