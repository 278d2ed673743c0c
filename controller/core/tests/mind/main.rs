//! The whole mind of a site, message by message: nothing leaves before its commit, nothing is lost with the process.

mod commit;
mod doors;
mod operator;
mod rules;
mod shell;
