//! `drover-agent robots --credentials FILE`: each robot's account on the broker, and the devices'.
//!
//! Two forms. CSV as `drover site credentials` writes it: `serial,user,password`, where the line without a serial number
//! whose user begins with `agent-` is the devices'. TOML: `[[robot]]` serial, manufacturer (optional), username,
//! password; `[devices]` username, password.

use crate::BadInput;
use crate::broker::Login;
use crate::findings::{Findings, Section};
use std::fs;
use std::path::Path;

const AGENT_PREFIX: &str = "agent-";

/// All accounts of a file.
#[derive(Default)]
pub struct Accounts {
    /// The devices'.
    pub devices: Option<Login>,
    robots: Vec<Account>,
}

struct Account {
    manufacturer: Option<String>,
    serial: String,
    login: Login,
}

impl Accounts {
    /// The robot's own; where two makers have the same serial number, its user's name tells.
    pub fn robot(&self, manufacturer: &str, serial: &str) -> Option<&Login> {
        let user = format!("robot-{manufacturer}-{serial}").replace(':', "_");
        let is_its = |account: &&Account| {
            account.serial == serial && account.manufacturer.as_deref().is_none_or(|own| own == manufacturer)
        };
        let own = || self.robots.iter().filter(is_its);
        own().find(|account| account.login.0 == user).or_else(|| own().next()).map(|account| &account.login)
    }
}

/// Reads either form.
pub fn read(path: &Path) -> anyhow::Result<Accounts> {
    let text = fs::read_to_string(path)
        .map_err(|error| BadInput::one(format!("{}: can't be read: {error}", path.display())))?;
    let is_toml = path.extension().is_some_and(|ending| ending == "toml");
    let accounts = if is_toml { toml(path, &text) } else { csv(path, &text) };
    Ok(accounts?)
}

fn csv(path: &Path, text: &str) -> Result<Accounts, BadInput> {
    let (mut accounts, mut faults) = (Accounts::default(), Vec::new());
    for (index, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') || (index == 0 && line.starts_with("serial,")) {
            continue;
        }
        let mut fields = line.splitn(3, ',');
        let (Some(serial), Some(user), Some(password)) = (fields.next(), fields.next(), fields.next()) else {
            let (file, line) = (path.display(), index + 1);
            faults.push(format!(
                "{file}: line {line}: isn't serial,user,password; write the three with commas"
            ));
            continue;
        };
        let login = (user.to_owned(), password.to_owned());
        if serial.is_empty() {
            accounts.devices = accounts.devices.or(user.starts_with(AGENT_PREFIX).then_some(login));
        } else {
            accounts.robots.push(Account { manufacturer: None, serial: serial.to_owned(), login });
        }
    }
    if faults.is_empty() { Ok(accounts) } else { Err(BadInput(faults)) }
}

fn toml(path: &Path, text: &str) -> Result<Accounts, BadInput> {
    let table: toml::Table =
        toml::from_str(text).map_err(|error| BadInput::one(format!("{}: {error}", path.display())))?;
    let mut findings = Findings::new(path.display());
    let mut root = Section::new("", &table);
    let mut accounts = Accounts::default();
    for mut section in root.list(&mut findings, "robot") {
        let manufacturer = section.optional_text(&mut findings, "manufacturer", "\"acme\"");
        let serial = section.text(&mut findings, "serial", "\"r01\"");
        let login = login(&mut section, &mut findings);
        section.end(&mut findings);
        if let (Some(serial), Some(login)) = (serial, login) {
            let (manufacturer, serial) = (manufacturer.map(str::to_owned), serial.to_owned());
            accounts.robots.push(Account { manufacturer, serial, login });
        }
    }
    if let Some(mut section) = root.section(&mut findings, "devices", "[devices]") {
        accounts.devices = login(&mut section, &mut findings);
        section.end(&mut findings);
    }
    root.end(&mut findings);
    if findings.lines.is_empty() { Ok(accounts) } else { Err(BadInput(findings.lines)) }
}

fn login(section: &mut Section<'_>, findings: &mut Findings) -> Option<Login> {
    let username = section.text(findings, "username", "\"robot-acme-r01\"");
    let password = section.text(findings, "password", "\"...\"");
    Some((username?.to_owned(), password?.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::{csv, toml};
    use std::path::Path;

    #[test]
    fn both_forms_give_a_robot_its_own_account() {
        let list = "serial,user,password\n,drover-dc,a\n,agent-dc,b,c\nr01,robot-other-r01,d\nr01,robot-acme-r01,e\n";
        let table = "[devices]\nusername = \"agent-dc\"\npassword = \"b,c\"\n\
             [[robot]]\nmanufacturer = \"other\"\nserial = \"r01\"\nusername = \"robot-other-r01\"\npassword = \"d\"\n\
             [[robot]]\nmanufacturer = \"acme\"\nserial = \"r01\"\nusername = \"robot-acme-r01\"\npassword = \"e\"\n";
        let path = Path::new("f");
        for accounts in [csv(path, list).unwrap(), toml(path, table).unwrap()] {
            assert_eq!(accounts.devices, Some(("agent-dc".into(), "b,c".into())));
            assert_eq!(accounts.robot("acme", "r01"), Some(&("robot-acme-r01".into(), "e".into())));
            assert_eq!(accounts.robot("other", "r01"), Some(&("robot-other-r01".into(), "d".into())));
            assert_eq!(accounts.robot("acme", "r02"), None);
        }
    }

    #[test]
    fn a_line_that_is_no_account_is_named() {
        let said = csv(Path::new("list.csv"), "r01,robot-a-r01,x\nr02\n").err().unwrap().to_string();
        assert!(said.starts_with("list.csv: line 2: "), "{said}");
        let said = toml(Path::new("list.toml"), "[[robot]]\nserial = \"r1\"\nuser = \"x\"\n").err().unwrap();
        assert!(said.to_string().contains("robot[0].user = \"x\": isn't a key here"), "{said}");
    }
}
