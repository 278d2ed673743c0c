//! The robot as its fleet sees it: messages in, messages and a pose out.

mod acceptance;
mod actions;
mod blocking;
mod charging;
mod common;
mod driving;
mod factsheet;
mod fields;
mod jumps;
mod later;
mod maps;
mod places;
mod streams;
