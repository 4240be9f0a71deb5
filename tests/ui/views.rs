//! The views as people use them, in Chromium.

use crate::browser::{Browser, Look, browse};
use crate::grown;
use crate::pages::{TABS, VIEWS};
use crate::served::Served;
use anyhow::{Context, Result, ensure};
use fantoccini::Locator;
use fantoccini::key::Key;
use pyheap_tests::{Suite, Verdict};
use serde_json::json;

pub fn register(suite: &mut Suite) {
    suite.test("every_view_light", || every_view(Look::default()));
    suite.test("every_view_dark", || every_view(Look { dark: true, ..Look::default() }));
    suite.test("every_view_narrow", || every_view(Look { narrow: true, ..Look::default() }));
    suite.test("search_and_keyboard", || {
        with_dump(Look::default(), |served, browser| Box::pin(keyboard(served, browser)))
    });
    suite.test("steps_tabs_and_pages", || {
        with_dump(Look::default(), |served, browser| Box::pin(steps(served, browser)))
    });
    suite.test("flame_graph_zooms", || {
        with_dump(Look::default(), |served, browser| Box::pin(flame(served, browser)))
    });
}

type Steps<'a> = std::pin::Pin<Box<dyn Future<Output = Result<()>> + 'a>>;

fn with_dump(look: Look, test: for<'a> fn(&'a Served, &'a Browser) -> Steps<'a>) -> Result<Verdict> {
    let (new, old) = grown();
    let served = Served::ready(&new, &["--baseline", old.to_str().context("a path")?])?;
    browse(look, |browser| async move {
        browser.client.goto(&served.url(&format!("/?token={}", served.token))).await?;
        ensure!(browser.place().await? == "/", "the token stays in the URL");
        test(&served, &browser).await
    })
}

/// A file's name for a place.
fn name_of(place: &str) -> String {
    let name: String = place.chars().map(|of| if of.is_alphanumeric() { of } else { '-' }).collect();
    format!("view{}", name.trim_end_matches('-'))
}

fn every_view(look: Look) -> Result<Verdict> {
    with_dump(
        look,
        match (look.dark, look.narrow) {
            (true, _) => |served, browser| Box::pin(look_at_all(served, browser, "dark")),
            (_, true) => |served, browser| Box::pin(look_at_all(served, browser, "narrow")),
            _ => |served, browser| Box::pin(look_at_all(served, browser, "light")),
        },
    )
}

async fn look_at_all(served: &Served, browser: &Browser, look: &str) -> Result<()> {
    let session = served.json("/api/v1/objects?type=list&rows=1")?;
    let address = session["objects"][0]["address"].as_str().context("an address")?.to_owned();
    let tabs = TABS.map(|tab| format!("/objects/{address}?tab={tab}"));
    let more = ["/compare?by=module", "/objects?type=__main__.Session", "/search"].map(str::to_owned);
    for place in VIEWS.map(str::to_owned).into_iter().chain(tabs).chain(more) {
        browser.client.goto(&served.url(&place)).await?;
        let dark = browser.run("return matchMedia('(prefers-color-scheme: dark)').matches").await?;
        ensure!(dark == json!(look == "dark"), "{place}: dark is {dark}");
        browser.nothing_failed(&place).await?;
        browser.is_accessible(&place).await?;
        let wide = browser.run("return document.documentElement.scrollWidth - innerWidth").await?;
        ensure!(wide.as_i64() <= Some(1), "{place} is wider than the window by {wide}");
        let place = place.replace(&address, "object");
        browser.picture(&format!("{look}-{}", name_of(&place))).await?;
    }
    // The browser itself logs that there is no such page.
    browser.client.goto(&served.url("/nowhere")).await?;
    browser.is_accessible("/nowhere").await?;
    browser.picture(&format!("{look}-nowhere")).await
}

async fn keyboard(served: &Served, browser: &Browser) -> Result<()> {
    browser.client.goto(&served.url("/types")).await?;
    browser.press("/").await?;
    browser.until("document.activeElement.id === 'search'").await?;
    browser.press("Session").await?;
    browser.press(&Key::Enter.to_string()).await?;
    browser.until("location.pathname === '/search'").await?;
    ensure!(browser.text("main table").await?.contains("__main__.Session"));
    // From the search box back into the page, down to the first row, and into it.
    browser.press(&Key::Down.to_string()).await?;
    browser.until("document.activeElement.closest('tbody tr') !== null").await?;
    browser.press(&Key::Enter.to_string()).await?;
    browser.until("location.pathname === '/objects' && location.search.includes('Session')").await?;
    // An exact name leads straight to its objects, an address to its object.
    for (query, place) in [("__main__.Session", "/objects"), ("dict", "/objects")] {
        browser.client.goto(&served.url(&format!("/search?q={query}"))).await?;
        ensure!(browser.place().await?.starts_with(place), "{query}");
    }
    let first = served.json("/api/v1/objects?rows=1")?;
    let address = first["objects"][0]["address"].as_str().context("an address")?.to_owned();
    browser.client.goto(&served.url(&format!("/search?q={address}"))).await?;
    ensure!(browser.place().await? == format!("/objects/{address}"));
    // Rows and pages of a list.
    browser.client.goto(&served.url("/objects")).await?;
    for row in [0, 1, 2] {
        browser.press(&Key::Down.to_string()).await?;
        browser
            .until(&format!(
                "[...document.querySelectorAll('tbody tr')][{row}].contains(document.activeElement)"
            ))
            .await?;
    }
    browser.press(&Key::Right.to_string()).await?;
    browser.until("location.search.includes('from=50')").await?;
    browser.press(&Key::Left.to_string()).await?;
    browser.until("!location.search.includes('from')").await?;
    browser.press("?").await?;
    browser.until("document.getElementById('keys').open").await?;
    browser.picture("keys").await?;
    browser.nothing_failed("the keyboard").await
}

async fn steps(served: &Served, browser: &Browser) -> Result<()> {
    // Types -> objects of one -> those that contain a text -> back by one step.
    browser.client.goto(&served.url("/types?part=str")).await?;
    browser.client.find(Locator::LinkText("str")).await?.click().await?;
    ensure!(browser.text(".crumbs").await?.contains("of type"));
    let all = browser.text("h1").await?;
    let input = browser.client.find(Locator::Css("main input[name=text]")).await?;
    input.send_keys("session").await?;
    browser.click("main form.filter button").await?;
    browser.until("location.search.includes('text=session')").await?;
    let some = browser.text("h1").await?;
    ensure!(all != some, "the text selects nothing: {all}");
    ensure!(browser.text(".crumbs").await?.contains("containing"));
    browser.client.find(Locator::Css(".crumbs a.drop[aria-label$=text]")).await?.click().await?;
    ensure!(browser.text("h1").await? == all, "a step back leads elsewhere");
    // Sorted by another size: the place says so, and so does the head of the column.
    browser.client.find(Locator::LinkText("Shallow")).await?.click().await?;
    browser.until("location.search.includes('sort=shallow')").await?;
    browser.until("document.querySelector('th[aria-sort]').textContent.includes('Shallow')").await?;
    // To the end of the list and back.
    browser.client.find(Locator::LinkText("last")).await?.click().await?;
    let last = browser.text(".pager").await?;
    let (end, total) = last.split_once(" of ").context("where the page is")?;
    let end = end.rsplit(' ').next().unwrap_or_default().to_owned();
    ensure!(total.starts_with(&end), "{last}");
    browser.client.find(Locator::LinkText("first")).await?.click().await?;
    // An object with its tabs.
    browser.client.find(Locator::Css("tbody a")).await?.click().await?;
    browser.until("location.pathname.startsWith('/objects/0x')").await?;
    for tab in ["Attributes", "Referents", "Referrers", "Dominated", "Paths"] {
        browser
            .client
            .find(Locator::XPath(&format!("//div[@class='tabs']/a[starts-with(., '{tab}')]")))
            .await?
            .click()
            .await?;
        browser
            .until(&format!("document.querySelector('.tabs .here').textContent.startsWith('{tab}')"))
            .await?;
    }
    ensure!(!browser.client.find_all(Locator::Css("pre.why a")).await?.is_empty(), "no path to it");
    browser.nothing_failed("the steps").await
}

async fn flame(served: &Served, browser: &Browser) -> Result<()> {
    browser.client.goto(&served.url("/flame")).await?;
    let shown =
        "[...document.querySelectorAll('a.block')].filter((of) => !of.classList.contains('gone')).length";
    let all = browser.run(&format!("return {shown}")).await?.as_i64().unwrap_or_default();
    ensure!(all > 20, "{all} blocks");
    // The second block hangs from the first: clicked, it takes the whole width.
    let second =
        browser.client.find_all(Locator::Css("a.block")).await?.into_iter().nth(1).context("a block")?;
    second.click().await?;
    browser.until(&format!("{shown} < {all}")).await?;
    browser.until("document.querySelectorAll('a.block svg')[1].getAttribute('width') === '100%'").await?;
    browser.picture("flame-zoomed").await?;
    browser.click("#zoom-out").await?;
    browser.until(&format!("{shown} === {all}")).await?;
    browser.click("#highlight").await?;
    browser.press("dict").await?;
    browser.until("document.querySelectorAll('a.block.found').length > 0").await?;
    ensure!(browser.text("#highlighted").await?.contains("blocks"));
    browser.picture("flame-highlighted").await?;
    // A second click on a block opens what is behind it.
    browser.client.goto(&served.url("/flame?by=type")).await?;
    for _ in 0..2 {
        browser
            .client
            .find_all(Locator::Css("a.block"))
            .await?
            .into_iter()
            .nth(1)
            .context("a block")?
            .click()
            .await?;
    }
    browser.until("location.pathname === '/objects'").await?;
    browser.nothing_failed("the flame graph").await
}
