//! What we measure, and how. Every number in the documents has the command that makes it; the commands live in `bin/`.
//!
//! Process CPU time is the clock: figures compare on a busy machine.

use std::fs;

/// Linux counts CPU time in hundredths of a second (`USER_HZ`, fixed at 100 towards programs).
const TICKS_PER_SECOND: f64 = 100.0;

/// CPU time of this process so far, all threads, seconds; none where there is no `/proc`.
pub fn cpu_seconds() -> Option<f64> {
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    // The program's name, in brackets, may hold spaces; field 14 (utime) is the twelfth behind it.
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(11);
    let (user, system) = (fields.next()?.parse::<f64>().ok()?, fields.next()?.parse::<f64>().ok()?);
    Some((user + system) / TICKS_PER_SECOND)
}

#[cfg(test)]
mod tests {
    #[test]
    fn cpu_time_rises_with_work() {
        let before = super::cpu_seconds().unwrap();
        let mut sum = 0_u64;
        while super::cpu_seconds().unwrap() < before + 0.05 {
            sum = sum.wrapping_mul(31).wrapping_add(1);
        }
        assert_ne!(sum, 0);
    }
}
