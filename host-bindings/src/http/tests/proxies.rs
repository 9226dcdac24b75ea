//! Through a proxy: it is asked for addresses that were checked, and it learns no more than it needs.

use std::collections::HashMap;

use tokio::io::copy_bidirectional;
use tokio::net::TcpStream;

use super::tls::Authority;
use super::*;

/// Names with fixed addresses.
struct Names(HashMap<&'static str, Vec<&'static str>>);

#[async_trait]
impl Resolver for Names {
    async fn resolve(&self, name: &str) -> io::Result<Vec<IpAddr>> {
        let addresses = self.0.get(name).ok_or_else(|| io::Error::other("no such name"))?;
        Ok(addresses.iter().map(|address| address.parse().unwrap()).collect())
    }
}

/// A proxy that leads to a port of this host whatever it is asked for, or answers with a text instead.
async fn proxy(refusal: Option<&'static str>) -> Server {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let server = Server {
        port: listener.local_addr().unwrap().port(),
        requests: Arc::default(),
        connections: Arc::default(),
    };
    let (requests, connections) = (Arc::clone(&server.requests), Arc::clone(&server.connections));
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            connections.fetch_add(1, Ordering::SeqCst);
            let requests = Arc::clone(&requests);
            tokio::spawn(async move {
                let request = read_request(&mut stream).await.ok()??;
                let target = request.split(' ').nth(1)?.to_owned();
                requests.lock().unwrap().push(request);
                if let Some(refusal) = refusal {
                    return stream.write_all(refusal.as_bytes()).await.ok();
                }
                let port = target.rsplit(':').next()?.parse::<u16>().ok()?;
                let mut origin = TcpStream::connect(("127.0.0.1", port)).await.ok()?;
                stream.write_all(b"HTTP/1.1 200 Established\r\n\r\n").await.ok()?;
                copy_bidirectional(&mut stream, &mut origin).await.ok().map(drop)
            });
        }
    });
    server
}

fn resolver() -> Arc<dyn Resolver> {
    Arc::new(Names(HashMap::from([
        ("cloud.example", vec!["127.0.0.1"]),
        ("inside.example", vec!["10.9.9.9"]),
        ("proxy.example", vec!["127.0.0.1"]),
        ("private-proxy.example", vec!["10.9.9.9"]),
    ])))
}

fn through(origin: &str, proxy: &str, resolves_names: bool) -> EndpointGrant {
    EndpointGrant {
        proxy: Some(Arc::new(Proxy {
            origin: proxy.parse().unwrap(),
            credential: Some(Basic {
                user: "me".into(),
                password: Secret::new(CANARY),
            }),
            resolves_names,
        })),
        ..grant(origin)
    }
}

fn bench(grant: EndpointGrant) -> Bench {
    Bench::resolving(grant, HttpLimits::default(), &resolver())
}

#[tokio::test]
async fn a_proxy_is_asked_for_the_checked_address_and_the_origin_sees_nothing_of_it() {
    let (server, proxy) = (Server::start(|_| ok("fine")).await, proxy(None).await);
    let origin = format!("http://cloud.example:{}", server.port);
    let at = format!("http://proxy.example:{}", proxy.port);
    for (resolves_names, target) in [(false, "127.0.0.1"), (true, "cloud.example")] {
        let response = bench(through(&origin, &at, resolves_names)).send(&get("/vms")).await;
        assert_eq!(response.unwrap().status, 200);
        let asked = proxy.last_request();
        let line = format!("CONNECT {target}:{} HTTP/1.1\r\n", server.port);
        assert!(asked.starts_with(&line), "{asked}");
        assert!(asked.contains("proxy-authorization: Basic bWU6"), "{asked}");
        let sent = server.last_request();
        assert!(sent.starts_with("GET /vms HTTP/1.1\r\n"), "{sent}");
        assert!(
            sent.contains(&format!("host: cloud.example:{}\r\n", server.port)),
            "{sent}"
        );
        assert!(!sent.contains("proxy-"), "{sent}");
    }
}

#[tokio::test]
async fn tls_is_verified_through_a_proxy() {
    let (authority, foreign) = (Authority::new(), Authority::new());
    let acceptor = authority
        .issue("cloud.example", 30)
        .acceptor(None, rustls::ALL_VERSIONS, &["http/1.1"]);
    let server = Server::start_with(Some(acceptor), |_| ok("fine")).await;
    let proxy = proxy(None).await;
    for (tls, trusted) in [(authority.trusted(), true), (foreign.trusted(), false)] {
        let origin = format!("https://cloud.example:{}", server.port);
        let grant = EndpointGrant {
            tls,
            ..through(&origin, &format!("http://proxy.example:{}", proxy.port), false)
        };
        let answer = bench(grant).send(&get("/")).await;
        assert_eq!(answer.is_ok(), trusted, "{answer:?}");
        assert!(trusted || matches!(answer, Err(Fault::Tls(_))));
    }
}

#[tokio::test]
async fn neither_a_private_origin_nor_a_private_proxy_is_reached_without_its_line() {
    let proxy = proxy(None).await;
    let at = format!("http://proxy.example:{}", proxy.port);
    for (origin, at, refused) in [
        (
            "http://inside.example",
            at.as_str(),
            "`http://inside.example` leads to 10.9.9.9",
        ),
        ("http://10.9.9.9", &at, "`http://10.9.9.9` leads to 10.9.9.9"),
        (
            "http://cloud.example",
            "http://private-proxy.example:3128",
            "`http://private-proxy.example:3128` leads to 10.9.9.9",
        ),
    ] {
        let bench = bench(through(origin, at, false));
        assert_eq!(bench.send(&get("/")).await, Err(Fault::Denied), "{origin} through {at}");
        let denial = bench.seen.denials.lock().unwrap()[0].clone();
        assert!(denial.to_string().contains(refused), "{denial}");
        assert!(denial.hint().unwrap().contains("10.9.9.9/32"));
    }
    assert_eq!(proxy.connections.load(Ordering::SeqCst), 0);
    // A literal address is checked also where names are the proxy's to resolve.
    let literal = bench(through("http://10.9.9.9", &at, true));
    assert_eq!(literal.send(&get("/")).await, Err(Fault::Denied));
    assert_eq!(proxy.connections.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_proxy_that_refuses_or_babbles_is_no_connection() {
    let long: &'static str = String::leak(format!("HTTP/1.1 200 x\r\na: {}\r\n\r\n", "x".repeat(100_000)));
    for refusal in [
        "HTTP/1.1 407 Proxy Authentication Required\r\n\r\n",
        "HTTP/1.1 502 Bad Gateway\r\n\r\n",
        "SSH-2.0-OpenSSH\r\n\r\n",
        "HTTP/1.1 200",
        long,
    ] {
        let proxy = proxy(Some(refusal)).await;
        let grant = through(
            "http://cloud.example",
            &format!("http://proxy.example:{}", proxy.port),
            false,
        );
        assert_eq!(bench(grant).send(&get("/")).await, Err(Fault::Connect), "{refusal:.30}");
    }
}

#[test]
fn a_proxy_that_cannot_be_used_is_refused() {
    let make = |grant| HttpClient::new(vec![grant], HttpLimits::default()).map(drop);
    assert!(make(through("https://a.example", "http://proxy.example", false)).is_ok());
    let encrypted = make(through("https://a.example", "https://proxy.example", false));
    assert!(matches!(encrypted, Err(HttpConfigError::Proxy { .. })));
}
