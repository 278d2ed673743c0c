//! The whole mind of a site, message by message: nothing leaves before its commit, nothing is lost with the process.

mod blocked;
mod closed;
mod commit;
mod doors;
mod dropped;
mod late;
mod life;
mod loads;
mod operator;
mod plausible;
mod relaid;
mod remedies;
mod rules;
mod shell;
mod stray;
mod withdraw;
mod word;
