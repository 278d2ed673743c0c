//! A benchmark folder: `problem.json` and the files it names.

use std::fs;
use std::io::Read;
use std::path::Path;

use anyhow::{Context, bail, ensure};
use serde::Deserialize;

use drover_core::plan::lattice::Lattice;

/// What `problem.json` says.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct File {
    map_file: String,
    agent_file: String,
    team_size: usize,
    task_file: String,
    num_tasks_reveal: f64,
}

/// An instance, with cells as places of the lattice.
#[derive(Debug)]
pub struct Problem {
    /// Where robots can be.
    pub lattice: Lattice,
    /// Place of each robot at the start; all face east.
    pub starts: Vec<u32>,
    /// Places to visit, for each task of the file.
    pub tasks: Vec<Vec<u32>>,
    /// So many unfinished tasks are seen at once.
    pub revealed: usize,
}

impl Problem {
    /// Reads the folder of this `problem.json`.
    ///
    /// # Errors
    /// Name the file, the line and the mend.
    pub fn read(path: &Path) -> anyhow::Result<Problem> {
        let folder = path.parent().unwrap_or(Path::new("."));
        let text = text(path)?;
        let file: File = serde_json::from_str(&text)
            .with_context(|| format!("{}: not a problem of the 2024 rules", path.display()))?;
        let map_path = folder.join(&file.map_file);
        let map = self::text(&map_path)?;
        let grid = drover_maps::movingai::parse(&map).with_context(|| map_path.display().to_string())?;
        let free = grid.rows.iter().flatten().copied();
        let cells: Vec<u32> = free.zip(0..).filter(|(is_free, _)| *is_free).map(|(_, cell)| cell).collect();
        let lattice = Lattice::grid(&grid.rows);
        let place = |cell: u32| cells.binary_search(&cell).ok().map(|place| place as u32);
        let agents_path = folder.join(&file.agent_file);
        let mut starts = numbered(&agents_path, |line| place(line.parse().ok()?))?;
        ensure!(
            starts.len() >= file.team_size,
            "{}: {} robots, but `teamSize` of {} is {}; add robots or lower it",
            agents_path.display(),
            starts.len(),
            path.display(),
            file.team_size
        );
        let errands = |line: &str| line.split(',').map(|cell| place(cell.trim().parse().ok()?)).collect();
        let tasks = numbered(&folder.join(&file.task_file), errands)?;
        ensure!(
            !tasks.is_empty(),
            "{}: no tasks; write one per line",
            folder.join(&file.task_file).display()
        );
        let revealed = (file.num_tasks_reveal * file.team_size as f64).floor() as usize;
        ensure!(
            revealed >= 1,
            "{}: `numTasksReveal` is {}: nobody would see a task",
            path.display(),
            file.num_tasks_reveal
        );
        starts.truncate(file.team_size);
        let mut stands = starts.clone();
        stands.sort_unstable();
        if let Some(pair) = stands.windows(2).find(|pair| pair[0] == pair[1]) {
            bail!("{}: two robots start on cell {}", agents_path.display(), cells[pair[0] as usize]);
        }
        Ok(Problem { lattice, starts, tasks, revealed })
    }
}

/// The file's text, or that of its `.gz`.
fn text(path: &Path) -> anyhow::Result<String> {
    let packed = path.with_file_name(format!("{}.gz", path.file_name().unwrap_or_default().display()));
    if !path.exists() && packed.exists() {
        let file = fs::File::open(&packed).with_context(|| packed.display().to_string())?;
        let mut text = String::new();
        let mut reader = flate2::read::GzDecoder::new(file);
        reader.read_to_string(&mut text).with_context(|| format!("{}: not gzip text", packed.display()))?;
        return Ok(text);
    }
    fs::read_to_string(path).with_context(|| format!("{}: can't be read", path.display()))
}

/// Lines after the count, `#` lines left out.
fn numbered<T>(path: &Path, read: impl Fn(&str) -> Option<T>) -> anyhow::Result<Vec<T>> {
    let text = text(path)?;
    let mut lines =
        text.lines().zip(1..).filter(|(line, _)| !line.starts_with('#') && !line.trim().is_empty());
    let (count, at) = lines.next().with_context(|| format!("{}: empty", path.display()))?;
    let count: usize = count
        .trim()
        .parse()
        .with_context(|| format!("{}:{at}: `{count}` should be how many lines follow", path.display()))?;
    let mut items = Vec::with_capacity(count);
    for (line, at) in lines.take(count) {
        let item = read(line.trim()).with_context(|| {
            format!("{}:{at}: `{line}` isn't free cells of the map, as numbers", path.display())
        })?;
        items.push(item);
    }
    ensure!(items.len() == count, "{}: {count} lines announced, {} found", path.display(), items.len());
    Ok(items)
}
