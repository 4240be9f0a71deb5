//! The version of a Python interpreter.

use std::fmt;

/// A version as CPython packs it in `PY_VERSION_HEX`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    /// `PY_VERSION_HEX`: major, minor, micro, one byte each, then level and serial, four bits each.
    pub hex: u32,
}

const ALPHA: u32 = 0xA;
const BETA: u32 = 0xB;
const CANDIDATE: u32 = 0xC;
const FINAL: u32 = 0xF;

impl Version {
    /// First number.
    pub fn major(self) -> u8 {
        (self.hex >> 24) as u8
    }

    /// Second number.
    pub fn minor(self) -> u8 {
        (self.hex >> 16) as u8
    }

    /// Reads the text that starts with a version followed by ` (`, as `sys.version` does: `3.8.18 (default, …`.
    pub fn from_sys_version(text: &str) -> Option<Self> {
        let (version, _) = text.split_once(" (")?;
        let mut parts = version.trim_end_matches('+').splitn(3, '.');
        let major: u8 = parts.next()?.parse().ok()?;
        let minor: u8 = parts.next()?.parse().ok()?;
        let rest = parts.next()?;
        let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        let (micro, level) = rest.split_at(digits);
        let micro: u8 = micro.parse().ok()?;
        let (level, serial) =
            match level.split_at(level.find(|c: char| c.is_ascii_digit()).unwrap_or(level.len())) {
                ("", "") => (FINAL, 0),
                ("a", serial) => (ALPHA, serial.parse().ok()?),
                ("b", serial) => (BETA, serial.parse().ok()?),
                ("rc", serial) => (CANDIDATE, serial.parse().ok()?),
                _ => return None,
            };
        if serial > 0xF {
            return None;
        }
        let hex =
            u32::from(major) << 24 | u32::from(minor) << 16 | u32::from(micro) << 8 | level << 4 | serial;
        Some(Self { hex })
    }

    /// Finds the text of `sys.version` in the writable data of an interpreter, where `Py_GetVersion` puts it together:
    /// `version (build) [compiler]`.
    pub fn find_in_data(data: &[u8]) -> Option<Self> {
        let starts = data.windows(2).enumerate().filter(|(_, window)| *window == b"3.").map(|(at, _)| at);
        for at in starts.filter(|&at| at == 0 || data[at - 1] == 0) {
            let text = &data[at..data.len().min(at + 250)];
            let text = text.split(|&byte| byte == 0).next().unwrap_or_default();
            let Ok(text) = std::str::from_utf8(text) else { continue };
            if text.contains(") ")
                && text.ends_with(']')
                && let Some(version) = Self::from_sys_version(text)
            {
                return Some(version);
            }
        }
        None
    }

    /// Major and minor number in a file name such as `libpython3.8.so.1.0` or `python3.13t`.
    pub fn in_file_name(name: &str) -> Option<(u8, u8)> {
        let (_, rest) = name.split_once("python")?;
        let (major, rest) = rest.split_once('.')?;
        let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        Some((major.parse().ok()?, rest[..digits].parse().ok()?))
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major(), self.minor(), self.hex >> 8 & 0xFF)?;
        let serial = self.hex & 0xF;
        match self.hex >> 4 & 0xF {
            ALPHA => write!(f, "a{serial}"),
            BETA => write!(f, "b{serial}"),
            CANDIDATE => write!(f, "rc{serial}"),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Version;

    #[track_caller]
    fn check(text: &str, hex: u32, shown: &str) {
        let version = Version::from_sys_version(text).expect("a version");
        assert_eq!(version.hex, hex, "{text}");
        assert_eq!(version.to_string(), shown);
    }

    // The numbers are what sys.hexversion answers in these releases.
    #[test]
    fn versions_of_releases() {
        check("3.8.18 (default, Nov 17 2023, 10:00:00) \n[GCC 12.2.0]", 0x0308_12F0, "3.8.18");
        check("3.10.13 (main, Nov 17 2023, 10:00:00) [GCC 12.2.0]", 0x030A_0DF0, "3.10.13");
        check("3.13.0rc2+ (heads/3.13:ec61006, Sep  7 2024) [GCC 12]", 0x030D_00C2, "3.13.0rc2");
        check("3.14.0a7 (main, Apr  8 2025) [GCC 14]", 0x030E_00A7, "3.14.0a7");
    }

    #[test]
    fn found_in_data_only_as_a_whole() {
        let mut data = b"3.8.18\0garbage 3.9 (no)\0\0".to_vec();
        assert_eq!(Version::find_in_data(&data), None);
        data.extend_from_slice(b"3.8.18 (default, Nov 17 2023, 10:00:00) \n[GCC 12.2.0]\0\0");
        assert_eq!(Version::find_in_data(&data), Some(Version { hex: 0x0308_12F0 }));
    }

    #[test]
    fn names_of_files() {
        assert_eq!(Version::in_file_name("libpython3.8.so.1.0"), Some((3, 8)));
        assert_eq!(Version::in_file_name("python3.13t"), Some((3, 13)));
        assert_eq!(Version::in_file_name("python3"), None);
        assert_eq!(Version::in_file_name("uwsgi"), None);
    }
}
