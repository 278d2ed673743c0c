//! Accounts on the robots' broker: one for the controller, one for the agent, one for each robot, and nobody else's.
//!
//! `credentials.csv` is the memory: a password that stands there is kept, one that is missing is drawn, a robot that
//! is gone loses its own. Everything else is written from it, so a second run changes nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use drover_maps::Layout;

use super::SiteError;
use super::mosquitto;
use crate::config::{Config, Enroll, Peer};
use crate::mqtt;
use crate::secret_file::{self, FileError};

/// The list of accounts.
pub const CREDENTIALS: &str = "credentials.csv";
/// The controller's password, for `[mqtt] password_file`.
pub const CONTROLLER_PASSWORD: &str = "drover-mqtt-password";
/// The agent's password.
const AGENT_PASSWORD: &str = "agent-mqtt-password";
/// Folder of the robots' passwords.
const ROBOTS: &str = "robots";
/// Ending of a robot's password file.
const PASSWORD_ENDING: &str = "password";
/// Random bytes of a password.
const PASSWORD_BYTES: usize = 24;
const HEADER: &str = "serial,user,password";

/// What an account is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Owner {
    /// The controller of the site.
    Controller,
    /// The agent: devices, and robots without a radio of their own.
    Agent,
    /// One robot.
    Robot {
        /// VDA 5050 manufacturer.
        manufacturer: String,
        /// VDA 5050 serial number.
        serial: String,
        /// Its type.
        kind: String,
    },
}

/// An account on the broker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// Whose it is.
    pub owner: Owner,
    /// Its name on the broker.
    pub user: String,
    /// Its password.
    pub password: String,
}

/// Passwords that were given before, by user.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Known(BTreeMap<String, String>);

/// What a run did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Written {
    /// Accounts there are now.
    pub accounts: usize,
    /// Users with a new password.
    pub new: Vec<String>,
    /// Users that are gone.
    pub gone: Vec<String>,
}

/// The controller's name on the broker.
#[must_use]
pub fn controller_user(site: &str) -> String {
    format!("drover-{site}")
}

/// The agent's name on the broker.
#[must_use]
pub fn agent_user(site: &str) -> String {
    format!("agent-{site}")
}

/// A robot's name on the broker; a colon, which ends a name in the password file, becomes `_`.
#[must_use]
pub fn robot_user(manufacturer: &str, serial: &str) -> String {
    format!("robot-{manufacturer}-{serial}").replace(':', "_")
}

impl Known {
    /// Reads a list of accounts.
    ///
    /// # Errors
    /// [`SiteError`]: it can't be read, or isn't one.
    pub fn read(file: &Path) -> Result<Known, SiteError> {
        let text = std::fs::read_to_string(file).map_err(|error| FileError::new("read", file, error))?;
        let mut known = BTreeMap::new();
        for (at, line) in text.lines().enumerate().filter(|(_, line)| !line.is_empty() && *line != HEADER) {
            let fields: Vec<&str> = line.split(',').collect();
            let [_, user, password] = fields[..] else {
                let reason = format!(
                    "{} line {}: isn't `{HEADER}`; mend the line, or remove the file for new passwords",
                    file.display(),
                    at + 1
                );
                return Err(SiteError::Refused { what: "read the accounts", reason });
            };
            known.insert(user.to_owned(), password.to_owned());
        }
        Ok(Known(known))
    }

    /// The user's password.
    #[must_use]
    pub fn password(&self, user: &str) -> Option<&str> {
        self.0.get(user).map(String::as_str)
    }
}

/// Writes the accounts of a site and Mosquitto's files for them to a folder.
///
/// # Errors
/// [`SiteError`]: a name can't be part of a topic, two robots would share an account, `rotate` names nobody, or a
/// file can't be read or written.
pub fn write(
    config: &Config,
    layout: &Layout,
    out: &Path,
    rotate: &[String],
    broker_folder: Option<&Path>,
) -> Result<Written, SiteError> {
    let list = out.join(CREDENTIALS);
    let mut known = if list.is_file() { Known::read(&list)? } else { Known::default() };
    let owners = owners(config, layout)?;
    forget(&mut known, &owners, rotate)?;
    let mut written = Written { accounts: owners.len(), ..Written::default() };
    let mut accounts = Vec::with_capacity(owners.len());
    for (owner, user) in owners {
        let password = match known.0.remove(&user) {
            Some(password) => password,
            None => {
                written.new.push(user.clone());
                secret_file::secret::<PASSWORD_BYTES>()
                    .map_err(|error| FileError::new("draw a password for", &list, error))?
            }
        };
        accounts.push(Account { owner, user, password });
    }
    written.gone = known.0.into_keys().filter(|user| !written.new.contains(user)).collect();
    files(config, layout, out, &accounts, broker_folder)?;
    Ok(written)
}

/// Everybody who needs an account, with its name.
fn owners(config: &Config, layout: &Layout) -> Result<Vec<(Owner, String)>, SiteError> {
    let refused = |reason| SiteError::Refused { what: "make the accounts", reason };
    for level in config.mqtt.interface.split('/') {
        fault(level)
            .map_or(Ok(()), |fault| Err(refused(format!("key `mqtt.interface`: `{level}` {fault}"))))?;
    }
    for device in layout.devices() {
        let name = &device.name;
        fault(name).map_or(Ok(()), |fault| Err(refused(format!("device `{name}` of site.toml {fault}"))))?;
    }
    let mut owners =
        vec![(Owner::Controller, controller_user(&config.site)), (Owner::Agent, agent_user(&config.site))];
    let mut users = BTreeSet::new();
    for robot in layout.robots() {
        let (manufacturer, serial) = (robot.manufacturer.clone(), robot.serial.clone());
        for name in [&manufacturer, &serial] {
            let told =
                |fault| refused(format!("robot `{manufacturer}/{serial}` of site.toml: `{name}` {fault}"));
            fault(name).map_or(Ok(()), |fault| Err(told(fault)))?;
        }
        let user = robot_user(&manufacturer, &serial);
        if !users.insert(user.clone()) {
            let reason =
                format!("two robots would share the account `{user}`; give one another serial number");
            return Err(refused(reason));
        }
        let kind = layout.robot_type(robot.robot_type).name.clone();
        owners.push((Owner::Robot { manufacturer, serial, kind }, user));
    }
    Ok(owners)
}

/// What a topic level and a line of the password file may not be.
fn fault(name: &str) -> Option<&'static str> {
    let is_good = |c: char| c.is_alphanumeric() || "-_.:".contains(c);
    if name.is_empty() {
        return Some("is empty");
    }
    (!name.chars().all(is_good))
        .then_some("holds something else than letters, digits, - _ . : and can't be a level of a topic")
}

/// Takes away the passwords to be drawn anew.
fn forget(known: &mut Known, owners: &[(Owner, String)], rotate: &[String]) -> Result<(), SiteError> {
    for name in rotate {
        let is_meant = |owner: &Owner, user: &str| match owner {
            Owner::Robot { serial, .. } => serial == name || user == name,
            Owner::Controller | Owner::Agent => user == name,
        };
        let meant: Vec<&String> =
            owners.iter().filter(|(owner, user)| is_meant(owner, user)).map(|(_, user)| user).collect();
        let reason = match meant[..] {
            [user] => {
                known.0.remove(user);
                continue;
            }
            [] => format!("there is no robot and no user `{name}`; write a serial number of site.toml"),
            _ => format!("several robots have the serial number `{name}`; write the user's name instead"),
        };
        return Err(SiteError::Refused { what: "rotate a password", reason });
    }
    Ok(())
}

fn files(
    config: &Config,
    layout: &Layout,
    out: &Path,
    accounts: &[Account],
    broker_folder: Option<&Path>,
) -> Result<(), SiteError> {
    secret_file::folder(out)?;
    let robots = out.join(ROBOTS);
    secret_file::folder(&robots)?;
    // First, so that no password is in use that stands nowhere.
    secret_file::write(&out.join(CREDENTIALS), csv(accounts).as_bytes())?;
    let mut expected = BTreeSet::new();
    for account in accounts {
        let name = match &account.owner {
            Owner::Controller => CONTROLLER_PASSWORD.to_owned(),
            Owner::Agent => AGENT_PASSWORD.to_owned(),
            Owner::Robot { .. } => {
                let name = format!("{}.{PASSWORD_ENDING}", account.user);
                expected.insert(name.clone());
                format!("{ROBOTS}/{name}")
            }
        };
        secret_file::write(&out.join(name), format!("{}\n", account.password).as_bytes())?;
    }
    remove_others(&robots, &expected)?;
    let passwd = out.join(mosquitto::PASSWD);
    let before = std::fs::read_to_string(&passwd).unwrap_or_default();
    let drawn = mosquitto::passwd(accounts, &before);
    let lines = drawn.map_err(|error| FileError::new("draw salt for", &passwd, error))?;
    secret_file::write(&passwd, lines.as_bytes())?;
    let interfaces = mqtt::Interfaces::of(&config.mqtt.interface, Some(layout));
    let acl = mosquitto::acl(&config.site, &interfaces, layout, accounts);
    secret_file::write(&out.join(mosquitto::ACL), acl.as_bytes())?;
    let at = broker_folder.map_or_else(|| std::fs::canonicalize(out), |folder| Ok(folder.to_owned()));
    let at = at.map_err(|error| FileError::new("find", out, error))?;
    let conf = mosquitto::conf(config, accounts.len(), &at);
    secret_file::write(&out.join(mosquitto::CONF), conf.as_bytes())?;
    Ok(secret_file::write(&out.join("agent.toml"), agent(config, accounts).as_bytes())?)
}

fn csv(accounts: &[Account]) -> String {
    let lines = accounts.iter().map(|account| {
        let serial = match &account.owner {
            Owner::Robot { serial, .. } => serial.as_str(),
            Owner::Controller | Owner::Agent => "",
        };
        format!("{serial},{},{}\n", account.user, account.password)
    });
    std::iter::once(format!("{HEADER}\n")).chain(lines).collect()
}

/// Passwords of robots that are gone.
fn remove_others(folder: &Path, expected: &BTreeSet<String>) -> Result<(), FileError> {
    let told = |error| FileError::new("tidy", folder, error);
    for entry in std::fs::read_dir(folder).map_err(told)? {
        let path = entry.map_err(told)?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if path.extension().is_some_and(|ending| ending == PASSWORD_ENDING) && !expected.contains(name) {
            std::fs::remove_file(&path).map_err(|error| FileError::new("remove", &path, error))?;
        }
    }
    Ok(())
}

/// What the agent's configuration needs of it.
fn agent(config: &Config, accounts: &[Account]) -> String {
    let url = match &config.mqtt.peer {
        Peer::Url(url) => url.to_string(),
        Peer::Embedded => "mqtt://127.0.0.1:1883".to_owned(),
    };
    let url = url
        .split_once('@')
        .map_or(url.clone(), |(_, host)| format!("{}://{host}", url.split("://").next().unwrap_or("mqtt")));
    let user = agent_user(&config.site);
    let mut text = format!(
        "# For drover-agent: copy what you need into its configuration. Paths are relative to this folder.\n\n\
         [site]\nid = \"{}\"\n\n\
         [mqtt]\nurl = \"{url}\"\ninterface = \"{}\"\nusername = \"{user}\"\n\
         password_file = \"{AGENT_PASSWORD}\"\n",
        config.site, config.mqtt.interface
    );
    for account in accounts {
        let Owner::Robot { manufacturer, serial, kind } = &account.owner else { continue };
        let user = &account.user;
        text += &format!(
            "\n[[robot]]\nmanufacturer = \"{manufacturer}\"\nserial = \"{serial}\"\ntype = \"{kind}\"\n\
             driver = \"simulated\"   # the driver that moves it\n# node = \"...\"          # where it stands at the start\n\
             username = \"{user}\"\npassword_file = \"{ROBOTS}/{user}.{PASSWORD_ENDING}\"\n"
        );
    }
    text
}

impl Written {
    /// Says what was done, on stderr.
    pub fn tell(&self, config: &Config, out: &Path) {
        let Written { accounts, new, gone } = self;
        eprintln!(
            "{accounts} accounts in {}: {} new or changed, {} gone",
            out.display(),
            new.len(),
            gone.len()
        );
        for user in gone {
            eprintln!("  gone: {user}");
        }
        if config.enroll == Enroll::Auto {
            eprintln!(
                "key `robots.enroll` is \"auto\": robots that site.toml doesn't name have no account, so this \
                 broker won't admit them; name them as [[robot]] and run this again"
            );
        }
        eprintln!(
            "give {} to the broker; it reads {} and {} again at a SIGHUP",
            mosquitto::CONF,
            mosquitto::PASSWD,
            mosquitto::ACL
        );
    }
}
