//! The pictures of a report: traffic on the layout, and jobs over time, as SVG text.

use std::fmt::Write;

use drover_maps::Layout;
use drover_maps::render::{self, Heat, Options};

use super::{Judge, Motion, Outcome};

/// Size of the chart, pixels, and its margin.
const WIDTH: f64 = 900.0;
const HEIGHT: f64 = 360.0;
const MARGIN: f64 = 50.0;
/// Lines of the grid, each way.
const GRID: u64 = 5;

/// The layout with the passes of every edge as heat; the busiest edge is 1.
pub(super) fn traffic(layout: &Layout, motion: &Motion) -> String {
    let most = motion.passes.iter().copied().max().unwrap_or(0).max(1) as f32;
    let edges = motion.passes.iter().map(|passes| *passes as f32 / most).collect();
    let title = format!("Traffic: the busiest edge was passed {most} times");
    render::svg(
        layout,
        &Options { title, heat: Some(Heat { edges, nodes: Vec::new() }), ..Options::default() },
    )
}

/// Jobs accepted and jobs done over simulated time, as two lines.
pub(super) fn jobs_over_time(judge: &Judge) -> String {
    let Some((from, to)) = judge.span() else { return frame("No job has ended", "", 1.0, 1) };
    let seconds = (to.since_ms(from) as f64 / 1_000.0).max(1.0);
    let at = |time: drover_core::Time| time.since_ms(from) as f64 / 1_000.0;
    let mut accepted: Vec<f64> = judge.jobs().iter().map(|job| at(job.accepted_at)).collect();
    let is_done = |outcome: &Outcome| matches!(outcome, Outcome::Done);
    let ends = judge.jobs().iter().filter_map(|job| job.ended.as_ref());
    let mut done: Vec<f64> =
        ends.filter(|(_, outcome)| is_done(outcome)).map(|(time, _)| at(*time)).collect();
    accepted.sort_by(f64::total_cmp);
    done.sort_by(f64::total_cmp);
    let most = accepted.len().max(1) as u64;
    let mut lines = stairs(&accepted, "#8a94a6", seconds, most);
    lines += &stairs(&done, "#1a7f5a", seconds, most);
    frame("Jobs accepted (grey) and done (green)", &lines, seconds, most)
}

fn x(second: f64, seconds: f64) -> f64 {
    MARGIN + (WIDTH - 2.0 * MARGIN) * second / seconds
}

fn y(count: u64, most: u64) -> f64 {
    HEIGHT - MARGIN - (HEIGHT - 2.0 * MARGIN) * count as f64 / most as f64
}

fn stairs(moments: &[f64], colour: &str, seconds: f64, most: u64) -> String {
    let mut path = format!("M{:.1},{:.1}", x(0.0, seconds), y(0, most));
    for (moment, count) in moments.iter().zip(1..) {
        let _ = write!(path, "H{:.1}V{:.1}", x(moment.min(seconds), seconds), y(count, most));
    }
    let _ = write!(path, "H{:.1}", x(seconds, seconds));
    format!("<path d=\"{path}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"/>\n")
}

fn frame(title: &str, lines: &str, seconds: f64, most: u64) -> String {
    let mut text = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" font-family=\"sans-serif\" \
         font-size=\"12\">\n<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n\
         <text x=\"{MARGIN}\" y=\"28\" font-size=\"16\">{title}</text>\n"
    );
    for step in 0..=GRID {
        let (second, count) = (seconds * step as f64 / GRID as f64, most * step / GRID);
        let (left, across, up) = (x(0.0, seconds), x(second, seconds), y(count, most));
        let right = x(seconds, seconds);
        let minutes = second / 60.0;
        let _ = write!(
            text,
            "<path d=\"M{left:.1},{up:.1}H{right:.1}\" stroke=\"#e3e6ec\"/>\n\
             <text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{count}</text>\n\
             <text x=\"{across:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{minutes:.0} min</text>\n",
            left - 6.0,
            up + 4.0,
            HEIGHT - MARGIN + 18.0,
        );
    }
    text + lines + "</svg>\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_without_jobs_still_gives_a_picture() {
        assert!(jobs_over_time(&Judge::default()).ends_with("</svg>\n"));
    }
}
