//! Accounts that packages declare: sysusers.d(5).

use super::accounts::{Account, AccountKind, is_name};

/// The accounts that a file of `/usr/lib/sysusers.d` declares. Lines that say anything else are passed over.
pub fn sysusers(text: &str, package: &str) -> Vec<Account> {
    text.lines().filter_map(|line| account(line, package)).collect()
}

fn account(line: &str, package: &str) -> Option<Account> {
    let fields = fields(line.trim());
    let mut fields = fields.iter().map(String::as_str);
    // A `!` or `-` after the letter makes the account locked or optional, and no other one.
    let letter = fields.next()?.trim_end_matches(['!', '-']);
    let name = fields.next().filter(|name| is_name(name))?;
    let id = fields.next().filter(|id| *id != "-");
    let _gecos = fields.next();
    let mut text = || fields.next().filter(|text| *text != "-").map(String::from);
    let (id, kind) = match letter {
        "g" => (id.and_then(|id| id.parse().ok()), AccountKind::Group),
        "u" => {
            let (uid, gid) = id.map_or((None, None), |id| match id.split_once(':') {
                Some((uid, gid)) => (Some(uid), Some(gid)),
                None => (Some(id), None),
            });
            let kind = AccountKind::User { group: gid.map(String::from), home: text(), shell: text() };
            (uid.and_then(|uid| uid.parse().ok()), kind)
        }
        "m" => (None, AccountKind::Member { group: id.filter(|group| is_name(group))?.into() }),
        _ => return None,
    };
    Some(Account { package: package.into(), name: name.into(), id, kind })
}

/// Fields parted by blanks; quotes hold them together.
fn fields(line: &str) -> Vec<String> {
    let mut fields = vec![];
    let mut field = String::new();
    let (mut quote, mut there) = (None, false);
    for letter in line.chars() {
        match letter {
            '#' if fields.is_empty() && !there => return vec![],
            _ if quote == Some(letter) => quote = None,
            '"' | '\'' if quote.is_none() => (quote, there) = (Some(letter), true),
            letter if quote.is_none() && letter.is_ascii_whitespace() => {
                if std::mem::take(&mut there) {
                    fields.push(std::mem::take(&mut field));
                }
            }
            letter => {
                field.push(letter);
                there = true;
            }
        }
    }
    if there {
        fields.push(field);
    }
    fields
}
