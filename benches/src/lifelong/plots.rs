//! Pictures of a run as SVG text: tasks finished over time, and where robots waited.

use std::fmt::Write as _;

use drover_maps::{Layout, NodeId};

use super::{Account, Problem};

/// Size of the chart, pixels, and its margins.
const WIDTH: f64 = 900.0;
const HEIGHT: f64 = 460.0;
const LEFT: f64 = 76.0;
const RIGHT: f64 = 24.0;
const TOP: f64 = 64.0;
const BOTTOM: f64 = 56.0;
/// Lines of the grid each way, about.
const GRID: f64 = 8.0;
const OURS: &str = "#1a7f5a";
const ALONE: &str = "#8a94a6";
/// The map is about as wide, pixels, with cells between these sides.
const MAP_WIDTH: f64 = 1_000.0;
const CELL: (f64, f64) = (2.0, 20.0);
/// Left and right of the map, and below it for the legend, pixels.
const EDGE: f64 = 24.0;
const LEGEND: f64 = 76.0;
const LEGEND_WIDTH: f64 = 760.0;
/// Waits per step on a cell, at most, and its colour.
const HEAT: [(f64, &str, &str); 7] = [
    (0.0, "#f4f1ea", "none"),
    (0.01, "#fde3b4", "≤ 1 %"),
    (0.03, "#fcc26d", "≤ 3 %"),
    (0.06, "#f59342", "≤ 6 %"),
    (0.12, "#e25b33", "≤ 12 %"),
    (0.25, "#b32430", "≤ 25 %"),
    (1.00, "#6a0f3c", "> 25 %"),
];
const BLOCKED: &str = "#a3abb8";

/// Tasks finished over time under this title, beside robots that ignore each other (`alone`, likewise by step).
pub fn progress(title: &str, account: &Account, alone: &[u32]) -> String {
    let most = account.finished.iter().chain(alone).max().copied().unwrap_or(0).max(1);
    let axes = Axes::new(account.finished.len().saturating_sub(1).max(1), most);
    let mut text = head(title, account, (WIDTH, HEIGHT), "tasks finished over time");
    axes.draw(&mut text);
    let curves = [
        (alone, ALONE, "6 4", "robots that ignore each other"),
        (&account.finished, OURS, "none", "planned together"),
    ];
    for (row, (curve, colour, dashes, name)) in (0..).zip(curves) {
        let point = |(step, tasks): (usize, &u32)| {
            format!("{:.1},{:.1}", axes.x(step as f64), axes.y(f64::from(*tasks)))
        };
        let points: Vec<String> = curve.iter().enumerate().map(point).collect();
        let last = curve.last().copied().unwrap_or(0);
        let at = TOP + 16.0 + 22.0 * f64::from(row);
        let stroke =
            format!("fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\" stroke-dasharray=\"{dashes}\"");
        let _ = writeln!(
            text,
            "<polyline points=\"{}\" {stroke}/><path d=\"M{:.1},{at:.1}h28\" {stroke}/>\
             <text x=\"{:.1}\" y=\"{:.1}\">{name}: {last}</text>",
            points.join(" "),
            LEFT + 16.0,
            LEFT + 52.0,
            at + 4.0,
        );
    }
    text + "</svg>\n"
}

/// Steps to the right, tasks upwards.
struct Axes {
    steps: f64,
    tasks: f64,
    /// Between two lines of the grid.
    every: (f64, f64),
}

impl Axes {
    fn new(steps: usize, most: u32) -> Axes {
        let (steps, most) = (steps as f64, f64::from(most));
        let every = (nice(steps / GRID), nice(most / GRID));
        Axes { steps, tasks: (most / every.1).ceil() * every.1, every }
    }

    fn x(&self, step: f64) -> f64 {
        LEFT + (WIDTH - LEFT - RIGHT) * step / self.steps
    }

    fn y(&self, tasks: f64) -> f64 {
        HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * tasks / self.tasks
    }

    fn draw(&self, text: &mut String) {
        let (right, bottom) = (WIDTH - RIGHT, HEIGHT - BOTTOM);
        let lines = |every: f64, most: f64| {
            (0..).map(move |line| f64::from(line) * every).take_while(move |at| *at <= most)
        };
        for tasks in lines(self.every.1, self.tasks) {
            let y = self.y(tasks);
            let _ = writeln!(
                text,
                "<path d=\"M{LEFT},{y:.1}H{right}\" stroke=\"#e3e6ec\"/>\
                 <text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{tasks}</text>",
                LEFT - 8.0,
                y + 4.0,
            );
        }
        for step in lines(self.every.0, self.steps) {
            let x = self.x(step);
            let _ = writeln!(
                text,
                "<path d=\"M{x:.1},{bottom}v5\" stroke=\"#4a5160\"/>\
                 <text x=\"{x:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{step}</text>",
                bottom + 20.0,
            );
        }
        let _ = writeln!(
            text,
            "<path d=\"M{LEFT},{bottom}H{right}\" stroke=\"#4a5160\"/>\
             <text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">step</text>\
             <text transform=\"translate(18,{:.1}) rotate(-90)\" text-anchor=\"middle\">tasks finished</text>",
            f64::midpoint(LEFT, right),
            HEIGHT - 14.0,
            f64::midpoint(TOP, bottom),
        );
    }
}

/// The map with the share of steps that somebody waited on each cell.
pub fn waits(title: &str, problem: &Problem, account: &Account) -> String {
    let map = &problem.map;
    let side = (MAP_WIDTH / f64::from(map.width)).floor().clamp(CELL.0, CELL.1);
    let classes: Vec<Option<usize>> = map
        .free
        .iter()
        .zip(&account.waits_by_place)
        .map(|(is_free, waits)| is_free.then(|| heat(account, *waits)))
        .collect();
    let (wide, high) = (side * f64::from(map.width), side * f64::from(map.height()));
    let width = LEGEND_WIDTH.max(wide + 2.0 * EDGE);
    let mut text = head(title, account, (width, TOP + high + LEGEND), "where robots waited");
    let _ = writeln!(
        text,
        "<g transform=\"translate({EDGE},{TOP}) scale({side})\" shape-rendering=\"crispEdges\">\n\
         <rect width=\"{}\" height=\"{}\" fill=\"{BLOCKED}\"/>",
        map.width,
        map.height()
    );
    for (class, (_, colour, _)) in HEAT.iter().enumerate() {
        let _ = writeln!(text, "<path d=\"{}\" fill=\"{colour}\"/>", cells(&classes, map.width, class));
    }
    let _ = writeln!(text, "</g>");
    legend(&mut text, TOP + high + 26.0, "cell", &[(BLOCKED, "blocked")]);
    text + "</svg>\n"
}

/// The layout with the share of steps that somebody waited at each node.
pub fn waits_on_layout(title: &str, layout: &Layout, account: &Account) -> String {
    let nodes: Vec<[f64; 2]> = layout.nodes().map(|node| metres(layout, node)).collect();
    let edge =
        |of: fn(f64, f64) -> f64, axis: usize| nodes.iter().map(|at| at[axis]).reduce(of).unwrap_or_default();
    let ([left, top], [right, bottom]) =
        ([edge(f64::min, 0), edge(f64::max, 1)], [edge(f64::max, 0), edge(f64::min, 1)]);
    let scale = MAP_WIDTH / (right - left).max(top - bottom).max(1.0);
    let high = scale * (top - bottom);
    let width = LEGEND_WIDTH.max(scale * (right - left) + 2.0 * EDGE);
    let at = |[x, y]: [f64; 2]| (EDGE + scale * (x - left), TOP + scale * (top - y));
    let mut text = head(title, account, (width, TOP + high + LEGEND), "where robots waited");
    for edge in layout.edges() {
        let ends = [layout.edge(edge).from, layout.edge(edge).to].map(|end| at(metres(layout, end)));
        let [(x1, y1), (x2, y2)] = ends;
        let _ = writeln!(text, "<path d=\"M{x1:.1} {y1:.1}L{x2:.1} {y2:.1}\" stroke=\"{BLOCKED}\"/>");
    }
    for (place, waits) in nodes.iter().zip(&account.waits_by_place) {
        let ((x, y), class) = (at(*place), heat(account, *waits));
        let radius = 2.0 + class as f64;
        let _ =
            writeln!(text, "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"{radius}\" fill=\"{}\"/>", HEAT[class].1);
    }
    legend(&mut text, TOP + high + 26.0, "node", &[(BLOCKED, "edge")]);
    text + "</svg>\n"
}

fn metres(layout: &Layout, node: NodeId) -> [f64; 2] {
    let node = layout.node(node);
    [node.x_mm, node.y_mm].map(|mm| f64::from(mm) / 1_000.0)
}

/// The class of a place where somebody waited so many steps.
fn heat(account: &Account, waits: u32) -> usize {
    let share = f64::from(waits) / account.finished.len().saturating_sub(1).max(1) as f64;
    HEAT.iter().position(|(most, _, _)| share <= *most).unwrap_or(HEAT.len() - 1)
}

/// Rectangles of one class, as long as they go in each row.
fn cells(classes: &[Option<usize>], width: u32, class: usize) -> String {
    let mut path = String::new();
    for (row, line) in classes.chunks(width as usize).enumerate() {
        let mut column = 0;
        for run in line.chunk_by(|one, other| one == other) {
            if run[0] == Some(class) {
                let _ = write!(path, "M{column},{row}h{0}v1h-{0}z", run.len());
            }
            column += run.len();
        }
    }
    path
}

fn legend(text: &mut String, top: f64, place: &str, more: &[(&str, &str)]) {
    let _ = writeln!(
        text,
        "<text x=\"{EDGE}\" y=\"{:.1}\">share of steps in which a robot waited on the {place}</text>",
        top
    );
    let entries = HEAT.iter().map(|(_, colour, name)| (*colour, *name)).chain(more.iter().copied());
    for (at, (colour, name)) in (0..).zip(entries) {
        let x = EDGE + 90.0 * f64::from(at);
        let _ = writeln!(
            text,
            "<rect x=\"{x:.1}\" y=\"{:.1}\" width=\"16\" height=\"16\" fill=\"{colour}\" stroke=\"#c3c8d1\"/>\
             <text x=\"{:.1}\" y=\"{:.1}\">{name}</text>",
            top + 12.0,
            x + 22.0,
            top + 25.0,
        );
    }
}

fn head(title: &str, account: &Account, (width, height): (f64, f64), what: &str) -> String {
    let title: String = title.chars().filter(|letter| !"<>&".contains(*letter)).collect();
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\" \
         font-family=\"sans-serif\" font-size=\"13\" fill=\"#20242c\">\n<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n\
         <text x=\"{EDGE}\" y=\"36\" font-size=\"18\">{title}, {} steps: {what}</text>\n",
        account.finished.len().saturating_sub(1)
    )
}

/// The next of 1, 2, 5, 10, 20, 50 and so on.
fn nice(step: f64) -> f64 {
    let mut unit = 1.0;
    loop {
        for nice in [1.0, 2.0, 5.0] {
            if unit * nice >= step {
                return unit * nice;
            }
        }
        unit *= 10.0;
    }
}
