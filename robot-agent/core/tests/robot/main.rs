//! The robot as its fleet sees it: messages in, messages and a pose out.

mod acceptance;
mod actions;
mod common;
mod driving;
mod jumps;
mod streams;
