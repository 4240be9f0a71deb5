//! The server: who is let in, which view answers, and what every answer says of itself.

use crate::access::{Access, Entry};
use crate::api;
use crate::heap::Heap;
use crate::link::Link;
use crate::page;
use crate::preparation::{Preparation, Sources};
use crate::trouble::Trouble;
use crate::views;
use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::{MethodRouter, get};
use maud::Markup;
use pyheap_engine::{OpenError, Source};
use std::io;
use std::net::{SocketAddr, TcpListener, ToSocketAddrs};
use std::sync::Arc;
use thiserror::Error;
use tokio::sync::{Semaphore, oneshot};
use tokio::task::spawn_blocking;

/// Questions that are answered at the same time; others wait.
const AT_ONCE: usize = 8;

/// Scripts and styles come from this server, in files; nothing comes from anywhere else, nothing stands in a page.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; form-action 'self'; \
                      base-uri 'none'; frame-ancestors 'none'";

/// What is served, and where.
#[derive(Clone, Debug)]
pub struct Options {
    /// The dump.
    pub dump: Source,
    /// What it is called in pages.
    pub name: String,
    /// An older dump, to compare with.
    pub baseline: Option<Source>,
    /// Address or name to listen on.
    pub host: String,
    /// Port to listen on; 0: any that is free.
    pub port: u16,
    /// How dumps are opened.
    pub engine: pyheap_engine::Options,
}

/// Why nothing is served.
#[derive(Debug, Error)]
pub enum ServeError {
    /// The address cannot be listened on.
    #[error("cannot listen on {host}:{port}: {source}")]
    Listen {
        /// As it was asked for.
        host: String,
        /// As it was asked for.
        port: u16,
        /// What the system says.
        source: io::Error,
    },
    /// There are no random numbers for a token.
    #[error("no token can be made: {0}")]
    Token(getrandom::Error),
    /// The dump cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The report cannot be made.
    #[error("no report can be made: {0}")]
    Report(String),
    /// The server itself fails.
    #[error("the server failed: {0}")]
    Server(io::Error),
}

/// A server that listens, and answers once it runs.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    access: Access,
    sources: Sources,
}

#[derive(Debug)]
struct Shared {
    access: Access,
    preparation: Preparation,
    questions: Semaphore,
}

impl Server {
    /// Listens; nothing is opened yet.
    ///
    /// # Errors
    /// The address cannot be listened on; there are no random numbers.
    pub fn bind(options: Options) -> Result<Self, ServeError> {
        let Options { dump, name, baseline, host, port, engine } = options;
        let listen = || {
            let addresses: Vec<SocketAddr> = (host.as_str(), port).to_socket_addrs()?.collect();
            let listener = TcpListener::bind(&addresses[..])?;
            listener.set_nonblocking(true)?;
            let address = listener.local_addr()?;
            Ok((listener, address))
        };
        let (listener, address) =
            listen().map_err(|source| ServeError::Listen { host: host.clone(), port, source })?;
        let access = Access::new(&host).map_err(ServeError::Token)?;
        Ok(Self { listener, address, access, sources: Sources { dump, baseline, engine, name } })
    }

    /// Where the pages are, with the token that lets in.
    pub fn url(&self) -> String {
        let host = if self.address.ip().is_unspecified() {
            // Any address of the machine would do; this one is right where the browser runs beside the server.
            format!("127.0.0.1:{}", self.address.port())
        } else {
            self.address.to_string()
        };
        format!("http://{host}/?token={}", self.access.token())
    }

    /// Answers at once, with what is being done until the dump is analysed, and for ever.
    ///
    /// # Errors
    /// The dump cannot be opened; the server fails.
    pub fn run(self) -> Result<(), ServeError> {
        let Self { listener, access, sources, .. } = self;
        let shared =
            Arc::new(Shared { access, preparation: Preparation::new(), questions: Semaphore::new(AT_ONCE) });
        let (failed, failure) = oneshot::channel();
        let preparing = shared.clone();
        std::thread::spawn(move || {
            if let Err(error) = preparing.preparation.run(sources) {
                // Nobody listens any more only where the server has ended.
                let _ = failed.send(error);
            }
        });
        let runtime =
            tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(ServeError::Server)?;
        runtime.block_on(async {
            let listener = tokio::net::TcpListener::from_std(listener).map_err(ServeError::Server)?;
            let serving = async { axum::serve(listener, router(shared)).await };
            let failing = async {
                match failure.await {
                    Ok(error) => error,
                    // All is opened: what is left to do is to serve.
                    Err(_) => std::future::pending().await,
                }
            };
            tokio::select! {
                ended = serving => ended.map_err(ServeError::Server),
                error = failing => Err(ServeError::Open(error)),
            }
        })
    }
}

fn router(shared: Arc<Shared>) -> Router {
    Router::new()
        .route("/", view(views::overview::page))
        .route("/holders", view(views::holders::page))
        .route("/flame", view(views::flame::page))
        .route("/objects", view(views::objects::page))
        .route("/objects/{address}", view(views::object::page))
        .route("/objects/{address}/text", view(views::text::page))
        .route("/types", view(views::types::page))
        .route("/types/paths", view(views::type_paths::page))
        .route("/modules", view(views::modules::page))
        .route("/threads", view(views::threads::page))
        .route("/strings", view(views::strings::page))
        .route("/waste", view(views::waste::page))
        .route("/cycles", view(views::cycles::page))
        .route("/native", view(views::native::page))
        .route("/compare", view(views::compare::page))
        .route("/about", view(views::about::page))
        .route("/search", get(search))
        .route("/api/v1/openapi.json", get(openapi))
        .route("/api/v1/{*question}", get(question))
        .route("/assets/{name}", get(asset))
        .fallback(nowhere)
        .layer(middleware::from_fn_with_state(shared.clone(), guard))
        .with_state(shared)
}

/// Lets in who may ask, and says of every answer how a browser is to treat it.
async fn guard(State(shared): State<Arc<Shared>>, request: Request, next: Next) -> Response {
    let link = Link::of_request(request.uri().path(), request.uri().query().unwrap_or_default());
    let is_asset = request.uri().path().starts_with("/assets/");
    let mut response = match shared.access.check(request.method(), request.headers(), link.get("token")) {
        Entry::Open => next.run(request).await,
        // A program sends its token with every request; a browser gets a cookie, and a URL that can be shown to others.
        Entry::Introduced if link.path().starts_with("/api/") => next.run(request).await,
        Entry::Introduced => redirect(&link.without("token").href(), Some(&shared.access.set_cookie())),
        Entry::Refused(reason) => {
            (StatusCode::FORBIDDEN, Html(page::refusal(reason).into_string())).into_response()
        }
    };
    let headers = response.headers_mut();
    let fixed = [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, if is_asset { "private, max-age=3600" } else { "no-store" }),
    ];
    for (name, value) in fixed {
        headers.insert(name, HeaderValue::from_static(value));
    }
    for name in ["cross-origin-resource-policy", "cross-origin-opener-policy"] {
        headers.insert(name, HeaderValue::from_static("same-origin"));
    }
    response
}

fn redirect(place: &str, cookie: Option<&str>) -> Response {
    let mut response = StatusCode::SEE_OTHER.into_response();
    let headers = [(header::LOCATION, Some(place)), (header::SET_COOKIE, cookie)];
    for (name, value) in headers {
        if let Some(value) = value.and_then(|value| HeaderValue::from_str(value).ok()) {
            response.headers_mut().insert(name, value);
        }
    }
    response
}

type View = fn(&Heap, &Link) -> Result<Markup, Trouble>;

fn view(view: View) -> MethodRouter<Arc<Shared>> {
    get(move |State(shared): State<Arc<Shared>>, request: Request| show(shared, link_of(&request), view))
}

fn link_of(request: &Request) -> Link {
    Link::of_request(request.uri().path(), request.uri().query().unwrap_or_default())
}

/// A view as a page, or why there is none as one.
async fn show(shared: Arc<Shared>, link: Link, view: View) -> Response {
    let of_view = link.clone();
    let shown = ask(&shared, move |heap| view(heap, &of_view)).await;
    let heap = shared.preparation.heap().ok();
    match shown {
        Ok(markup) => Html(markup.into_string()).into_response(),
        Err(trouble) => {
            let markup = page::trouble(heap.map(|heap| &**heap), &link, &trouble);
            (trouble.status(), Html(markup.into_string())).into_response()
        }
    }
}

/// Asks the heap, on a thread of its own.
async fn ask<T: Send + 'static>(
    shared: &Arc<Shared>,
    question: impl FnOnce(&Heap) -> Result<T, Trouble> + Send + 'static,
) -> Result<T, Trouble> {
    let heap = shared.preparation.heap()?.clone();
    let failed = |_| Trouble::Failed("the question was given up".into());
    let _one_of_few = shared.questions.acquire().await.map_err(|_| Trouble::TooLong)?;
    spawn_blocking(move || question(&heap)).await.map_err(failed)?
}

async fn search(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let link = link_of(&request);
    let query = link.clone();
    match ask(&shared, move |heap| Ok(views::search::target(heap, &query))).await {
        Ok(Some(target)) => redirect(&target.href(), None),
        _ => show(shared, link, views::search::page).await,
    }
}

async fn question(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let link = link_of(&request);
    let answer = ask(&shared, move |heap| api::answer(heap, &link)).await;
    let (status, body) = match answer {
        Ok(json) => (StatusCode::OK, json),
        Err(trouble) => (trouble.status(), api::error(&trouble)),
    };
    (status, [(header::CONTENT_TYPE, "application/json")], body).into_response()
}

async fn openapi() -> Response {
    ([(header::CONTENT_TYPE, "application/json")], api::description()).into_response()
}

async fn asset(request: Request) -> Response {
    match page::asset(request.uri().path()) {
        Some((kind, text)) => ([(header::CONTENT_TYPE, kind)], text).into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

async fn nowhere(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    show(shared, link_of(&request), |_, _| Err(Trouble::Missing("no page is here".into()))).await
}
