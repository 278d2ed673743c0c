//! `drover site new`: a folder with everything a new site needs. It is made in a folder beside it and put in its
//! place whole: what fails leaves nothing behind.

use std::path::{Path, PathBuf};

use drover_maps::Layout;

use super::credentials;
use super::{SiteError, capacity};
use crate::auth::Role;
use crate::config::Config;
use crate::map::{self, LayoutError};
use crate::secret_file::{self, FileError};
use crate::users;

const CONFIG: &str = include_str!("../../site-template/drover.toml");
const VALUES: &str = include_str!("../../site-template/values.yaml");
const README: &str = include_str!("../../site-template/README.md");
/// A ConfigMap holds no more, bytes.
const CONFIG_MAP_MAX: u64 = 900_000;
const NAME_LEN_MAX: usize = 63;
/// Fleet sizes of the capacity report when site.toml names no robot.
const ROBOTS: (u32, u32) = (5, 50);
/// The first user.
const ADMIN: &str = "admin";

/// What to make.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The site's id.
    pub name: String,
    /// LIF 1.0 file.
    pub layout: PathBuf,
    /// Its site.toml.
    pub site: Option<PathBuf>,
    /// The folder to make.
    pub out: PathBuf,
    /// Fleet sizes of the capacity report.
    pub robots: Option<(u32, u32)>,
}

/// Makes the folder, and says what was made and what comes next. The admin's token goes to stdout, once.
///
/// # Errors
/// [`SiteError`]: the name isn't one, the folder is there already, or the layout has errors.
pub fn make(plan: &Plan) -> Result<(), SiteError> {
    judge(plan)?;
    let compiled = map::load(&plan.layout, plan.site.as_deref())?;
    for finding in &compiled.findings {
        eprintln!("{finding}");
    }
    let layout = map::usable(compiled).map_err(|error| match error {
        LayoutError::Findings(_) => refused("the layout has the errors above; mend them first".to_owned()),
        other => other.into(),
    })?;
    let draft = draft(&plan.out);
    let made = fill(plan, &layout, &draft).and_then(|token| {
        let moved = std::fs::rename(&draft, &plan.out);
        moved.map_err(|error| FileError::new("put in its place", &plan.out, error))?;
        Ok(token)
    });
    let (token, accounts) = made.inspect_err(|_| {
        // The error that is told came first.
        let _ = std::fs::remove_dir_all(&draft);
    })?;
    // Written anew where it now lies: Mosquitto's configuration holds the folder's path.
    let config = Config::load_before_credentials(&plan.out.join("drover.toml"))?;
    credentials::write(&config, &layout, &plan.out.join("credentials"), &[], None)?;
    tell(plan, accounts, &token);
    Ok(())
}

fn judge(plan: &Plan) -> Result<(), SiteError> {
    let name = &plan.name;
    let is_good = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    let begins_well = name.starts_with(|first: char| first.is_ascii_alphanumeric());
    if !begins_well || name.len() > NAME_LEN_MAX || !name.chars().all(is_good) {
        return Err(refused(format!(
            "`{name}` isn't a name; use 1 to {NAME_LEN_MAX} letters, digits, - _ . and begin with a letter or digit"
        )));
    }
    if plan.out.exists() {
        return Err(refused(format!("{} is there already; remove it, or write --out", plan.out.display())));
    }
    Ok(())
}

fn refused(reason: String) -> SiteError {
    SiteError::Refused { what: "make the site", reason }
}

fn draft(out: &Path) -> PathBuf {
    let name = out.file_name().and_then(|name| name.to_str()).unwrap_or("site");
    out.with_file_name(format!(".{name}.{}", std::process::id()))
}

/// Everything in the folder; gives the admin's token and the number of accounts on the broker.
fn fill(plan: &Plan, layout: &Layout, folder: &Path) -> Result<(String, usize), SiteError> {
    secret_file::folder(folder)?;
    secret_file::folder(&folder.join("secrets"))?;
    copy(&plan.layout, &folder.join("layout.lif.json"))?;
    if let Some(site) = &plan.site {
        copy(site, &folder.join("site.toml"))?;
    }
    let name = &plan.name;
    let jobs = format!("amqp://drover-{name}:{}@127.0.0.1:5672\n", crate::check::PLACEHOLDER);
    secret_file::write(&folder.join("secrets/jobs-url"), jobs.as_bytes())?;
    let store = format!("postgres://drover:{}@127.0.0.1/{}\n", crate::check::PLACEHOLDER, database(name));
    secret_file::write(&folder.join("secrets/store-url"), store.as_bytes())?;
    put(&folder.join("drover.toml"), &filled(CONFIG, plan, layout))?;
    put(&folder.join("values.yaml"), &filled(VALUES, plan, layout))?;
    put(&folder.join("README.md"), &filled(README, plan, layout))?;
    let robots = plan.robots.unwrap_or_else(|| match u32::try_from(layout.robots().len()) {
        Ok(0) | Err(_) => ROBOTS,
        Ok(robots) => (robots.div_ceil(4), robots.saturating_mul(2)),
    });
    put(&folder.join("capacity.md"), &capacity::report(name, layout, robots))?;
    let token = users::add(&folder.join("users.toml"), ADMIN, Role::Admin)?;
    let config = Config::load_before_credentials(&folder.join("drover.toml"))?;
    let written = credentials::write(&config, layout, &folder.join("credentials"), &[], None)?;
    Ok((token, written.accounts))
}

fn copy(from: &Path, to: &Path) -> Result<(), FileError> {
    std::fs::copy(from, to).map(drop).map_err(|error| FileError::new("copy to", to, error))
}

fn put(path: &Path, text: &str) -> Result<(), FileError> {
    std::fs::write(path, text).map_err(|error| FileError::new("write", path, error))
}

/// A PostgreSQL name without quotes.
fn database(site: &str) -> String {
    let fits = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' };
    format!("drover_{}", site.chars().map(fits).collect::<String>())
}

/// A Kubernetes name.
fn kube(site: &str) -> String {
    let fits = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' };
    site.chars().map(fits).collect::<String>().trim_matches('-').to_owned()
}

fn filled(template: &str, plan: &Plan, layout: &Layout) -> String {
    let is_large = std::fs::metadata(&plan.layout).is_ok_and(|meta| meta.len() > CONFIG_MAP_MAX);
    let layout_note = if is_large {
        "The layout is too large for a ConfigMap: put it on a claim (layout.existingClaim) or behind layout.url."
    } else {
        "The layout fits into a ConfigMap; beyond 900,000 bytes use layout.existingClaim or layout.url."
    };
    let if_site = |text: &str| plan.site.as_ref().map_or_else(String::new, |_| text.to_owned());
    let site_file = match &plan.site {
        Some(_) => format!("site = \"site.toml\"                                # what LIF can't say: types, {} robots, zones", layout.robots().len()),
        None => "# site = \"site.toml\"                              # what LIF can't say: robots, types, zones, chargers".to_owned(),
    };
    template
        .replace("{{site}}", &plan.name)
        .replace("{{kube}}", &kube(&plan.name))
        .replace("{{site_file}}", &site_file)
        .replace("{{site_from}}", &if_site(" --from-file=site.toml"))
        .replace("{{site_toml_file}}", &if_site("  tomlFile: site.toml\n"))
        .replace("{{layout_note}}", layout_note)
}

fn tell(plan: &Plan, accounts: usize, token: &str) {
    let out = plan.out.display();
    eprintln!(
        "made {out}: configuration, layout, {accounts} accounts of the robots' broker, Helm values, capacity report"
    );
    eprintln!(
        "next: README.md in it is the check list; `drover check --config {out}/drover.toml` says what is missing"
    );
    eprintln!("the user `{ADMIN}` may call with this token; it is shown once and kept nowhere:");
    println!("{token}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_fit_their_places() {
        assert_eq!(
            (kube("Busan_2."), database("Busan-2")),
            ("busan-2".to_owned(), "drover_busan_2".to_owned())
        );
        assert_eq!(draft(Path::new("a/dc")), PathBuf::from(format!("a/.dc.{}", std::process::id())));
    }
}
