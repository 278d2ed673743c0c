//! The picture of a capacity run, SVG: jobs per hour above, the share of waiting below, fleet size along both.

use std::fmt::Write;

use super::{Line, knee};

const WIDTH: f64 = 860.0;
const LEFT: f64 = 70.0;
const RIGHT: f64 = 24.0;
/// Top and bottom of the two panels.
const PANELS: [(f64, f64); 2] = [(64.0, 330.0), (380.0, 500.0)];
const HEIGHT: f64 = 548.0;

const STYLE: &str = "svg{background:#fff;font:13px system-ui,sans-serif}text{fill:#5d6978}.title{font-size:17px;font-weight:700;\
fill:#16202c}.grid{stroke:#dfe5ec}.rate{stroke:#1b62d1;fill:#1b62d1}.traffic{stroke:#e08a00;fill:#e08a00}.turn{stroke:#8a5cd6;fill:#8a5cd6}\
.way{fill:none;stroke-width:2.5}.bar{stroke-width:1.5}.free{fill:none;stroke:#98a5b5;stroke-dasharray:5 5}.knee{stroke:#c3253f;\
stroke-dasharray:3 4;stroke-width:1.5}.told{fill:#c3253f;font-weight:700}@media(prefers-color-scheme:dark){svg{background:#161d26}text{fill:#98a5b5}\
.title{fill:#e7edf4}.grid{stroke:#2a3542}}";

/// The picture.
pub fn svg(name: &str, lines: &[Line]) -> String {
    let robots_max = lines.iter().map(|line| line.robots).max().unwrap_or(1) as f64;
    let rate_max = lines.iter().map(|line| line.jobs_per_hour).fold(1.0, f64::max) * 1.08;
    let share_max = lines.iter().map(|line| line.traffic_pct.max(line.turn_pct)).fold(10.0, f64::max) * 1.15;
    let rate = Axis { panel: PANELS[0], robots_max, top: rate_max };
    let share = Axis { panel: PANELS[1], robots_max, top: share_max };
    let mut text = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" width=\"{WIDTH}\" height=\"{HEIGHT}\" role=\"img\">\n\
         <title>{0}</title>\n<style>{STYLE}</style>\n<text class=\"title\" x=\"{LEFT}\" y=\"28\">{0}</text>\n",
        escaped(name)
    );
    text += &rate.grid("jobs per hour", "");
    text += &share.grid("waiting, share of time: in traffic (amber), for a station (violet)", " %");
    text += &free(&rate, lines);
    text += &marked(&rate, lines);
    text += &rate.way("rate", lines, |line| line.jobs_per_hour);
    text += &share.way("traffic", lines, |line| line.traffic_pct);
    text += &share.way("turn", lines, |line| line.turn_pct);
    for line in lines {
        let _ = write!(
            text,
            "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>",
            share.x(line.robots),
            PANELS[1].1 + 20.0,
            line.robots
        );
    }
    let _ = write!(
        text,
        "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">robots</text>",
        (LEFT + WIDTH - RIGHT) / 2.0,
        HEIGHT - 8.0
    );
    text + "\n</svg>\n"
}

struct Axis {
    panel: (f64, f64),
    robots_max: f64,
    top: f64,
}

impl Axis {
    fn x(&self, robots: usize) -> f64 {
        LEFT + robots as f64 / self.robots_max * (WIDTH - LEFT - RIGHT)
    }

    fn y(&self, value: f64) -> f64 {
        let (top, bottom) = self.panel;
        bottom - value / self.top * (bottom - top)
    }

    fn grid(&self, name: &str, unit: &str) -> String {
        let steps = [1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1_000.0, 2_000.0, 5_000.0];
        let step = steps.into_iter().find(|step| self.top / step <= 5.0).unwrap_or(self.top);
        let mut text = format!("<text x=\"{LEFT}\" y=\"{:.1}\">{name}</text>\n", self.panel.0 - 12.0);
        let mut value = 0.0;
        while value <= self.top {
            let _ = write!(
                text,
                "<line class=\"grid\" x1=\"{LEFT}\" x2=\"{:.1}\" y1=\"{y:.1}\" y2=\"{y:.1}\"/><text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{value}{unit}</text>",
                WIDTH - RIGHT,
                LEFT - 8.0,
                self.y(value) + 4.0,
                y = self.y(value),
            );
            value += step;
        }
        text + "\n"
    }

    fn way(&self, class: &str, lines: &[Line], of: fn(&Line) -> f64) -> String {
        let at = |line: &Line| (self.x(line.robots), self.y(of(line)));
        let points: Vec<String> = lines.iter().map(at).map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
        let mut text =
            format!("<polyline class=\"way {class}\" style=\"fill:none\" points=\"{}\"/>", points.join(" "));
        for line in lines {
            let (x, y) = at(line);
            if let Some(error) = line.error.filter(|_| class == "rate") {
                let (low, high) =
                    (self.y(line.jobs_per_hour - 2.0 * error), self.y(line.jobs_per_hour + 2.0 * error));
                let _ = write!(
                    text,
                    "<line class=\"bar {class}\" x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"{low:.1}\" y2=\"{high:.1}\"/>"
                );
            }
            if class != "turn" {
                let _ = write!(text, "<circle class=\"{class}\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"4\"/>");
            }
        }
        text + "\n"
    }
}

/// What the fleet would do if nobody ever hindered another: the first ones' rate, carried on.
fn free(axis: &Axis, lines: &[Line]) -> String {
    let Some(each) = lines.first().map(|line| line.per_added_robot).filter(|each| *each > 0.0) else {
        return String::new();
    };
    let end = axis.robots_max.min(axis.top / each);
    format!(
        "<line class=\"free\" x1=\"{LEFT}\" y1=\"{:.1}\" x2=\"{:.1}\" y2=\"{:.1}\"/>\n",
        axis.y(0.0),
        LEFT + end / axis.robots_max * (WIDTH - LEFT - RIGHT),
        axis.y(end * each)
    )
}

fn marked(axis: &Axis, lines: &[Line]) -> String {
    let Some(robots) = knee(lines) else { return String::new() };
    let x = axis.x(robots);
    format!(
        "<line class=\"knee\" x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"{:.1}\" y2=\"{:.1}\"/><text class=\"told\" x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{robots} robots</text>\n",
        PANELS[0].0,
        PANELS[1].1,
        x - 6.0,
        PANELS[0].1 - 10.0
    )
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
