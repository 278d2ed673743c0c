//! A benchmark folder: `problem.json` and the files it names. Cells are numbered `row * width + column` as in the files.
//!
//! Sizes are believed only as far as the files go: no count line makes us allocate.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail, ensure};
use serde::Deserialize;

/// The largest file we read, bytes after unpacking.
const FILE_BYTES_MAX: u64 = 256 << 20;
/// The most unfinished tasks that may be seen at once.
const REVEALED_MAX: f64 = 1_000_000.0;
/// So much of a wrong line is repeated, characters.
const QUOTE_MAX: usize = 40;

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

/// Which cells can be driven on.
#[derive(Clone, Debug)]
pub struct Map {
    /// Columns.
    pub width: u32,
    /// Cells row by row; true = free.
    pub free: Vec<bool>,
}

impl Map {
    /// Rows.
    pub fn height(&self) -> u32 {
        self.free.len() as u32 / self.width
    }

    /// Row and column of a cell.
    pub fn place(&self, cell: u32) -> (u32, u32) {
        (cell / self.width, cell % self.width)
    }

    /// The free cell of this number; else why there is none.
    fn cell(&self, text: &str) -> anyhow::Result<u32> {
        let cells = self.free.len();
        let Ok(cell) = text.trim().parse::<u32>() else { bail!("`{}` isn't a cell's number", quote(text)) };
        let is_free = self.free.get(cell as usize);
        let is_free = is_free
            .with_context(|| format!("cell {cell} is off the map, which has cells 0 to {}", cells - 1))?;
        ensure!(is_free, "cell {cell} is blocked on the map; choose a free one");
        Ok(cell)
    }
}

/// An instance.
#[derive(Clone, Debug)]
pub struct Problem {
    /// The folder's name.
    pub name: String,
    /// Where robots can be.
    pub map: Map,
    /// Cell of each robot at the start; all face east.
    pub starts: Vec<u32>,
    /// Cells to visit, for each task of the file.
    pub tasks: Vec<Vec<u32>>,
    /// So many unfinished tasks are seen at once.
    pub revealed: usize,
}

impl Problem {
    /// Reads the folder of this `problem.json`; `robots`: so many of them only, with as many fewer tasks revealed.
    ///
    /// # Errors
    /// Name the file, the line or key, the value and the mend.
    pub fn read(path: &Path, robots: Option<usize>) -> anyhow::Result<Problem> {
        let folder = path.parent().unwrap_or(Path::new("."));
        let file: File = serde_json::from_str(&text(path)?)
            .with_context(|| format!("{}: not a problem of the 2024 rules", path.display()))?;
        let map = map(&folder.join(&file.map_file))?;
        let agents = folder.join(&file.agent_file);
        let mut starts = numbered(&agents, |line| map.cell(line))?;
        let team_size = team_size(path, &file, &agents, starts.len(), robots)?;
        starts.truncate(team_size);
        let mut cells = starts.clone();
        cells.sort_unstable();
        if let Some(pair) = cells.windows(2).find(|pair| pair[0] == pair[1]) {
            bail!("{}: two robots start on cell {}; move one", agents.display(), pair[0]);
        }
        let tasks = folder.join(&file.task_file);
        let errands = |line: &str| line.split(',').map(|cell| map.cell(cell)).collect();
        let errands: Vec<Vec<u32>> = numbered(&tasks, errands)?;
        ensure!(!errands.is_empty(), "{}: no tasks; write one per line", tasks.display());
        let revealed = revealed(path, file.num_tasks_reveal, team_size)?;
        let name = fs::canonicalize(folder).ok().and_then(|folder| folder.file_name().map(PathBuf::from));
        let name = name.unwrap_or_default().display().to_string();
        Ok(Problem { name, map, starts, tasks: errands, revealed })
    }
}

fn map(path: &Path) -> anyhow::Result<Map> {
    let grid = drover_maps::movingai::parse(&text(path)?).with_context(|| path.display().to_string())?;
    let free: Vec<bool> = grid.rows.into_iter().flatten().collect();
    ensure!(free.contains(&true), "{}: no free cell; write `.` for some", path.display());
    Ok(Map { width: grid.width as u32, free })
}

fn team_size(
    path: &Path,
    file: &File,
    agents: &Path,
    found: usize,
    robots: Option<usize>,
) -> anyhow::Result<usize> {
    let team_size = file.team_size;
    ensure!(team_size >= 1, "{}: `teamSize` is 0; write how many robots play", path.display());
    ensure!(
        found >= team_size,
        "{}: {found} robots, but `teamSize` of {} is {team_size}; add robots or lower it",
        agents.display(),
        path.display()
    );
    let robots = robots.unwrap_or(team_size);
    ensure!(
        (1..=team_size).contains(&robots),
        "--robots {robots}: write 1 to {team_size}, which is `teamSize` of {}",
        path.display()
    );
    Ok(robots)
}

fn revealed(path: &Path, share: f64, team_size: usize) -> anyhow::Result<usize> {
    let revealed = (share * team_size as f64).floor();
    ensure!(
        (1.0..=REVEALED_MAX).contains(&revealed),
        "{}: `numTasksReveal` is {share}: {team_size} robots would see {revealed} tasks at once; \
         write a factor that shows 1 to {REVEALED_MAX} of them",
        path.display()
    );
    Ok(revealed as usize)
}

/// The file's text, or that of its `.gz`.
fn text(path: &Path) -> anyhow::Result<String> {
    let packed = path.with_file_name(format!("{}.gz", path.file_name().unwrap_or_default().display()));
    if path.exists() || !packed.exists() {
        let file = fs::File::open(path)
            .with_context(|| format!("{}: can't be read; give the path of a file", path.display()))?;
        return limited(file, path, "is no text");
    }
    let file = fs::File::open(&packed).with_context(|| format!("{}: can't be read", packed.display()))?;
    limited(
        flate2::read::GzDecoder::new(file),
        &packed,
        "is no whole gzip text; copy it again or gunzip it beside",
    )
}

fn limited(file: impl Read, path: &Path, failure: &str) -> anyhow::Result<String> {
    let mut text = String::new();
    let read = file.take(FILE_BYTES_MAX + 1).read_to_string(&mut text);
    let bytes = read.with_context(|| format!("{} {failure}", path.display()))? as u64;
    ensure!(bytes <= FILE_BYTES_MAX, "{}: more than {FILE_BYTES_MAX} bytes; shorten it", path.display());
    Ok(text)
}

/// Lines after the count, `#` lines left out.
fn numbered<T>(path: &Path, read: impl Fn(&str) -> anyhow::Result<T>) -> anyhow::Result<Vec<T>> {
    let text = text(path)?;
    let mut lines =
        text.lines().zip(1..).filter(|(line, _)| !line.starts_with('#') && !line.trim().is_empty());
    let (count, at) =
        lines.next().with_context(|| format!("{}: empty; begin with a count", path.display()))?;
    let Ok(count) = count.trim().parse::<usize>() else {
        bail!("{}:{at}: `{}` should be how many lines follow", path.display(), quote(count));
    };
    let mut items = Vec::new();
    for (line, at) in lines.take(count) {
        items.push(read(line).with_context(|| format!("{}:{at}", path.display()))?);
    }
    ensure!(
        items.len() == count,
        "{}:{at}: {count} lines announced, {} found; mend the count or add lines",
        path.display(),
        items.len()
    );
    Ok(items)
}

fn quote(text: &str) -> String {
    let short: String = text.trim().chars().take(QUOTE_MAX).collect();
    if short.len() < text.trim().len() { format!("{short}…") } else { short }
}
