//! Certificates, made by openssl for one test.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::process::{Folder, installed};

/// A signer.
pub struct Authority {
    folder: Folder,
    program: PathBuf,
}

/// A certificate and its key.
#[derive(Clone, Debug)]
pub struct Pair {
    pub cert: PathBuf,
    pub key: PathBuf,
}

impl Authority {
    /// None, with a printed word, when openssl isn't installed.
    pub fn new() -> Option<Authority> {
        let program = installed("openssl", ["/usr/bin/openssl".into(), "/usr/local/bin/openssl".into()])?;
        let authority = Authority { folder: Folder::new("certificates"), program };
        let (key, cert) = (authority.folder.file("ca.key"), authority.ca());
        authority.openssl(
            &[
                "req",
                "-x509",
                "-days",
                "400",
                "-subj",
                &format!("/CN={}", authority.folder.path().display().to_string().replace('/', "-")),
            ],
            &key,
            &cert,
        );
        Some(authority)
    }

    /// The signer's certificate.
    pub fn ca(&self) -> PathBuf {
        self.folder.file("ca.crt")
    }

    /// A certificate for 127.0.0.1 and localhost that holds so many days.
    pub fn issue(&self, name: &str, days: u32) -> Pair {
        let file = |ending: &str| self.folder.file(&format!("{name}.{ending}"));
        let (cert, key, request, names) = (file("crt"), file("key"), file("csr"), file("ext"));
        self.openssl(&["req", "-new", "-subj", &format!("/CN={name}")], &key, &request);
        fs::write(&names, "subjectAltName=IP:127.0.0.1,DNS:localhost\n").unwrap();
        let mut sign = Command::new(&self.program);
        sign.args(["x509", "-req", "-CAcreateserial", "-days", &days.to_string(), "-in"]).arg(&request);
        sign.arg("-CA").arg(self.ca()).arg("-CAkey").arg(self.folder.file("ca.key"));
        sign.arg("-extfile").arg(&names).arg("-out").arg(&cert);
        succeed(&mut sign);
        readable(&cert);
        readable(&key);
        Pair { cert, key }
    }

    fn openssl(&self, request: &[&str], key: &Path, out: &Path) {
        let mut command = Command::new(&self.program);
        command.args(request).args(["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]);
        succeed(command.arg("-keyout").arg(key).arg("-out").arg(out));
    }
}

fn succeed(command: &mut Command) {
    let output = command.stdin(Stdio::null()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// The services of a test run as users of their own.
fn readable(file: &Path) {
    fs::set_permissions(file, fs::Permissions::from_mode(0o644)).unwrap();
}
