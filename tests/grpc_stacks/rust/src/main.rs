//! The checks with tonic: see ../../README.md.

use std::fmt::Display;
use std::future::Future;
use std::time::{Duration, Instant};

use bytes::{Buf, BufMut};
use http::uri::PathAndQuery;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::client::Grpc;
use tonic::codec::{Codec, CompressionEncoding, DecodeBuf, Decoder, EncodeBuf, Encoder, Streaming};
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint};
use tonic::{Code, Request, Status};

const MIB: usize = 1 << 20;
const SIZES: [usize; 8] = [0, 1, 1_000, 16_384, 65_536, 1_000_000, 4 * MIB, 10 * MIB];
const TEXT: &str = "nö: 100 % – 错误\n";

type Outcome<T = ()> = Result<T, String>;

fn check(holds: bool, what: impl Display) -> Outcome {
    if holds {
        Ok(())
    } else {
        Err(what.to_string())
    }
}

fn text_of(failure: impl Display) -> String {
    failure.to_string()
}

fn pattern(size: usize) -> Vec<u8> {
    (0..size).map(|i| (i % 1021 * 31) as u8).collect()
}

/// Bytes as they are.
#[derive(Clone, Default)]
struct Raw;

impl Codec for Raw {
    type Encode = Vec<u8>;
    type Decode = Vec<u8>;
    type Encoder = Raw;
    type Decoder = Raw;
    fn encoder(&mut self) -> Raw {
        Raw
    }
    fn decoder(&mut self) -> Raw {
        Raw
    }
}

impl Encoder for Raw {
    type Item = Vec<u8>;
    type Error = Status;
    fn encode(&mut self, item: Vec<u8>, to: &mut EncodeBuf<'_>) -> Result<(), Status> {
        to.put_slice(&item);
        Ok(())
    }
}

impl Decoder for Raw {
    type Item = Vec<u8>;
    type Error = Status;
    fn decode(&mut self, from: &mut DecodeBuf<'_>) -> Result<Option<Vec<u8>>, Status> {
        Ok(Some(from.copy_to_bytes(from.remaining()).into()))
    }
}

struct Echo {
    grpc: Grpc<Channel>,
}

/// What the server has of the connection.
struct Seen {
    connection: u64,
    calls: u64,
    unsent: u64,
    cancelled: u64,
}

fn plain(address: &str) -> Endpoint {
    Endpoint::from_shared(format!("http://{address}")).expect("an address")
}

/// A stream that is open both ways.
struct Opened {
    requests: Option<mpsc::Sender<Vec<u8>>>,
    answers: Streaming<Vec<u8>>,
}

impl Opened {
    async fn send(&self, message: &[u8]) -> Outcome {
        let requests = self.requests.as_ref().expect("it is open");
        requests.send(message.to_vec()).await.map_err(text_of)
    }

    async fn receive(&mut self) -> Outcome<Vec<u8>> {
        let message = self.answers.message().await.map_err(text_of)?;
        message.ok_or("the end of the stream".to_string())
    }

    async fn expect_end(&mut self) -> Outcome {
        let end = self.answers.message().await.map_err(text_of)?;
        check(end.is_none(), "a message after the last")
    }

    async fn expect(&mut self, count: usize, size: usize) -> Outcome {
        for _ in 0..count {
            check(self.receive().await?.len() == size, "another size")?;
        }
        self.expect_end().await
    }
}

impl Echo {
    fn over(channel: Channel) -> Echo {
        let grpc = Grpc::new(channel);
        Echo {
            grpc: grpc.max_decoding_message_size(1 << 30),
        }
    }

    fn at(address: &str) -> Echo {
        Echo::over(plain(address).connect_lazy())
    }

    async fn ready(&self) -> Result<Grpc<Channel>, Status> {
        let mut grpc = self.grpc.clone();
        let ready = grpc.ready().await;
        ready.map_err(|failure| Status::unavailable(failure.to_string()))?;
        Ok(grpc)
    }

    async fn request(&self, path: &str, request: Request<Vec<u8>>) -> Result<Vec<u8>, Status> {
        let path = PathAndQuery::try_from(path).expect("a path");
        let answer = self.ready().await?.unary(request, path, Raw).await?;
        Ok(answer.into_inner())
    }

    async fn call(&self, path: &str, message: &[u8]) -> Result<Vec<u8>, Status> {
        self.request(path, Request::new(message.to_vec())).await
    }

    async fn unary(&self, message: &[u8]) -> Outcome<Vec<u8>> {
        self.call("/nacre.Echo/Unary", message)
            .await
            .map_err(text_of)
    }

    /// Opens a stream with its first message, as headers come with its first answer.
    async fn stream(&self, method: &'static str, first: &[u8]) -> Result<Opened, Status> {
        let (requests, queue) = mpsc::channel(4);
        requests.send(first.to_vec()).await.expect("it is open");
        let path = PathAndQuery::from_static(method);
        let mut grpc = self.ready().await?;
        let answers = grpc
            .streaming(Request::new(ReceiverStream::new(queue)), path, Raw)
            .await?;
        Ok(Opened {
            requests: Some(requests),
            answers: answers.into_inner(),
        })
    }

    /// Opens a stream that only the server goes on with.
    async fn ask(&self, method: &'static str, request: &[u8]) -> Result<Opened, Status> {
        let path = PathAndQuery::from_static(method);
        let mut grpc = self.ready().await?;
        let answers = grpc
            .server_streaming(Request::new(request.to_vec()), path, Raw)
            .await?;
        Ok(Opened {
            requests: None,
            answers: answers.into_inner(),
        })
    }

    async fn many(&self, count: usize, size: usize) -> Outcome<Opened> {
        let request = format!("{count} {size}");
        self.ask("/nacre.Echo/Many", request.as_bytes())
            .await
            .map_err(text_of)
    }

    async fn seen(&self) -> Outcome<Seen> {
        let answer = self.call("/nacre.Echo/Seen", b"").await.map_err(text_of)?;
        let text = String::from_utf8(answer).map_err(text_of)?;
        let number = |name: &str| {
            let rest = text.split(&format!("\"{name}\": ")).nth(1)?;
            rest.split([',', '}']).next()?.parse::<u64>().ok()
        };
        let seen = || {
            Some(Seen {
                connection: number("connection")?,
                calls: number("calls")?,
                unsent: number("unsent")?,
                cancelled: number("cancelled")?,
            })
        };
        seen().ok_or(text.clone())
    }

    /// Until so many calls are under way at the server, with this one.
    async fn await_calls(&self, number: u64) -> Outcome<Seen> {
        let began = Instant::now();
        loop {
            let seen = self.seen().await?;
            if seen.calls == number {
                return Ok(seen);
            }
            let late = began.elapsed() > Duration::from_secs(10);
            check(
                !late,
                format!("{} calls at the server, not {number}", seen.calls),
            )?;
        }
    }

    fn begin(&self, path: &'static str) -> tokio::task::JoinHandle<Result<Vec<u8>, Status>> {
        let echo = Echo {
            grpc: self.grpc.clone(),
        };
        tokio::spawn(async move { echo.call(path, b"").await })
    }

    /// Begins so many calls at once.
    fn at_once(&self, count: usize) -> Vec<tokio::task::JoinHandle<Outcome>> {
        let begin = |i: usize| {
            let echo = Echo {
                grpc: self.grpc.clone(),
            };
            let request = i.to_string();
            tokio::spawn(async move {
                let answer = echo.unary(request.as_bytes()).await?;
                check(answer == request.as_bytes(), "another message")
            })
        };
        (0..count).map(begin).collect()
    }
}

async fn all_good(calls: Vec<tokio::task::JoinHandle<Outcome>>) -> Outcome {
    for call in calls {
        call.await.map_err(text_of)??;
    }
    Ok(())
}

async fn echo_sizes(echo: &Echo, sizes: &[usize]) -> Outcome {
    for &size in sizes {
        let same = echo.unary(&pattern(size)).await? == pattern(size);
        check(same, format!("another message of {size} bytes"))?;
    }
    Ok(())
}

async fn echo_stream(echo: &Echo, sizes: &[usize]) -> Outcome {
    let opened = echo.stream("/nacre.Echo/Stream", b"first").await;
    let mut stream = opened.map_err(text_of)?;
    check(stream.receive().await? == b"first", "the first")?;
    for &size in sizes {
        stream.send(&pattern(size)).await?;
        let same = stream.receive().await? == pattern(size);
        check(same, format!("another message of {size} bytes"))?;
    }
    let requests = stream.requests.take().expect("it is open");
    let wanted = sizes.to_vec();
    tokio::spawn(async move {
        for size in wanted {
            requests.send(pattern(size)).await.expect("it is open");
        }
    });
    for &size in sizes {
        check(
            stream.receive().await?.len() == size,
            format!("another size than {size}"),
        )?;
    }
    stream.expect_end().await
}

async fn sizes(echo: &Echo) -> Outcome {
    echo_sizes(echo, &SIZES).await
}

async fn too_large(echo: &Echo) -> Outcome {
    let failure = echo
        .call("/nacre.Echo/Unary", &pattern(10 * MIB + 1))
        .await
        .err();
    check(
        failure.as_ref().map(Status::code) == Some(Code::ResourceExhausted),
        format!("{failure:?}"),
    )?;
    check(echo.unary(b"next").await? == b"next", "the next call")
}

async fn stream(echo: &Echo) -> Outcome {
    echo_stream(echo, &SIZES).await
}

async fn server_stream(echo: &Echo) -> Outcome {
    echo.many(10_000, 100).await?.expect(10_000, 100).await
}

async fn client_stream(echo: &Echo) -> Outcome {
    let requests = tokio_stream::iter((0..10_000).map(|_| pattern(100)));
    let mut grpc = echo.ready().await.map_err(text_of)?;
    let path = PathAndQuery::from_static("/nacre.Echo/Collect");
    let answer = grpc
        .client_streaming(Request::new(requests), path, Raw)
        .await;
    check(
        answer.map_err(text_of)?.into_inner() == b"10000 1000000",
        "another count",
    )
}

async fn many_calls(echo: &Echo) -> Outcome {
    all_good(echo.at_once(300)).await
}

async fn expect_failure(echo: &Echo, code: Code, text: &str, told: &str) -> Outcome {
    let expect = |failure: Option<Status>| {
        let same = failure
            .as_ref()
            .is_some_and(|x| x.code() == code && x.message().starts_with(told));
        check(same, format!("{failure:?}"))
    };
    let early = format!("{} early {text}", code as i32);
    expect(echo.call("/nacre.Echo/Fail", early.as_bytes()).await.err())?;
    let late = format!("{} late {text}", code as i32);
    let opened = echo.ask("/nacre.Echo/Fail", late.as_bytes()).await;
    let mut stream = opened.map_err(text_of)?;
    check(stream.receive().await? == b"before", "the message before")?;
    expect(stream.answers.message().await.err())
}

async fn failures(echo: &Echo) -> Outcome {
    for code in 1..=16 {
        expect_failure(echo, Code::from(code), TEXT, TEXT).await?;
    }
    expect_failure(echo, Code::Internal, &"é".repeat(10_000), &"é".repeat(100)).await
}

async fn unknown(echo: &Echo, node: &str) -> Outcome {
    for server in [echo, &Echo::at(node)] {
        for path in ["/nacre.Echo/Nothing", "/nacre.Nothing/Unary"] {
            let failure = server.call(path, b"").await.err();
            check(
                failure.as_ref().map(Status::code) == Some(Code::Unimplemented),
                format!("{failure:?}"),
            )?;
        }
    }
    Ok(())
}

async fn deadline(echo: &Echo) -> Outcome {
    let began = Instant::now();
    let mut request = Request::new(Vec::new());
    request.set_timeout(Duration::from_millis(300));
    let failure = echo.request("/nacre.Echo/Wait", request).await.err();
    // Its own clock says CANCELLED, the server's word is DEADLINE_EXCEEDED.
    let ended = failure.as_ref().map(Status::code);
    let known = ended == Some(Code::Cancelled) || ended == Some(Code::DeadlineExceeded);
    check(known, format!("{failure:?}"))?;
    let took = began.elapsed().as_millis();
    check(took > 250 && took < 5_000, format!("{took} ms"))?;
    echo.await_calls(1).await.map(drop)
}

async fn cancel(echo: &Echo) -> Outcome {
    let before = echo.seen().await?.cancelled;
    let call = echo.begin("/nacre.Echo/Wait");
    echo.await_calls(2).await?;
    call.abort();
    check(
        echo.await_calls(1).await?.cancelled == before + 1,
        "not cancelled",
    )
}

async fn cancel_stream(echo: &Echo) -> Outcome {
    let mut many = echo.many(1_000, MIB).await?;
    many.receive().await?;
    drop(many);
    check(
        echo.await_calls(1).await?.unsent == 0,
        "something waits to be sent",
    )
}

async fn slow_reader(echo: &Echo) -> Outcome {
    let mut many = echo.many(300, 65_536).await?;
    many.receive().await?;
    check(echo.await_calls(2).await?.unsent > 0, "nothing waits")?;
    echo_stream(echo, &[0, 1_000, MIB]).await?;
    many.expect(299, 65_536).await
}

async fn gzip(address: &str) -> Outcome {
    let grpc = Echo::at(address).grpc;
    let grpc = grpc.send_compressed(CompressionEncoding::Gzip);
    let echo = Echo {
        grpc: grpc.accept_compressed(CompressionEncoding::Gzip),
    };
    echo_sizes(&echo, &[0, 100, MIB, 10 * MIB]).await?;
    echo_stream(&echo, &[100, MIB]).await
}

async fn metadata(echo: &Echo) -> Outcome {
    let with = |size: usize| {
        let mut request = Request::new(b"x".to_vec());
        let value = "y".repeat(size).parse().expect("a value");
        request.metadata_mut().insert("x", value);
        echo.request("/nacre.Echo/Unary", request)
    };
    with(8_000).await.map_err(text_of)?;
    check(with(20_000).await.is_err(), "20 kB")?;
    check(echo.unary(b"next").await? == b"next", "the next call")
}

async fn leave(address: &str) -> Outcome {
    let echo = Echo::at(address);
    let opened = echo.stream("/nacre.Echo/Stream", b"1").await;
    let mut stream = opened.map_err(text_of)?;
    check(stream.receive().await? == b"1", "before")?;
    let first = echo.seen().await?.connection;
    let before = echo.at_once(40);
    let leave = echo.begin("/nacre.Echo/Leave");
    let meanwhile = echo.at_once(40);
    check(
        leave.await.map_err(text_of)?.map_err(text_of)? == b"bye",
        "no leave",
    )?;
    all_good(before).await?;
    all_good(meanwhile).await?;
    // What its own queue holds when it hears of the leave, tonic drops.
    let mut seen = echo.seen().await;
    if seen.is_err() {
        seen = echo.seen().await;
    }
    check(seen?.connection != first, "the connection is the same")?;
    stream.send(b"2").await?;
    check(stream.receive().await? == b"2", "the stream goes on")?;
    stream.requests = None;
    stream.expect_end().await
}

async fn pings(address: &str) -> Outcome {
    let endpoint = plain(address).http2_keep_alive_interval(Duration::from_millis(300));
    let endpoint = endpoint.keep_alive_timeout(Duration::from_secs(5));
    // One asks for signs of life, the other has none to give unless it is asked.
    let both = [Echo::over(endpoint.connect_lazy()), Echo::at(address)];
    let mut begun = Vec::new();
    for echo in &both {
        let before = echo.seen().await?.connection;
        begun.push((before, echo.begin("/nacre.Echo/Wait")));
    }
    // For pings, which the caller counts.
    tokio::time::sleep(Duration::from_secs(2)).await;
    for (echo, (before, call)) in both.iter().zip(begun) {
        check(
            echo.await_calls(2).await?.connection == before,
            "another connection",
        )?;
        call.abort();
    }
    Ok(())
}

async fn tls(address: &str, authority: &str) -> Outcome {
    let trusted = Certificate::from_pem(std::fs::read(authority).map_err(text_of)?);
    let config = ClientTlsConfig::new().ca_certificate(trusted);
    let endpoint = Endpoint::from_shared(format!("https://{address}")).map_err(text_of)?;
    let echo = Echo::over(endpoint.tls_config(config).map_err(text_of)?.connect_lazy());
    echo_sizes(&echo, &SIZES).await?;
    echo_stream(&echo, &SIZES).await
}

async fn run(name: &str, test: impl Future<Output = Outcome>) {
    let outcome = tokio::time::timeout(Duration::from_secs(30), test).await;
    match outcome.unwrap_or(Err("no end".to_string())) {
        Ok(()) => println!("passed {name}"),
        Err(why) => println!("failed {name}: {}", why.replace('\n', " ")),
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let told: Vec<String> = std::env::args().skip(1).collect();
    let [address, gzip_address, pings_address, tls_address, authority, node] = &told[..] else {
        panic!("six arguments are wanted");
    };
    let echo = &Echo::at(address);
    run("sizes", sizes(echo)).await;
    run("too_large", too_large(echo)).await;
    run("stream", stream(echo)).await;
    run("server_stream", server_stream(echo)).await;
    run("client_stream", client_stream(echo)).await;
    run("many_calls", many_calls(echo)).await;
    run("failures", failures(echo)).await;
    run("unknown", unknown(echo, node)).await;
    run("deadline", deadline(echo)).await;
    run("cancel", cancel(echo)).await;
    run("cancel_stream", cancel_stream(echo)).await;
    run("slow_reader", slow_reader(echo)).await;
    run("gzip", gzip(gzip_address)).await;
    run("metadata", metadata(echo)).await;
    run("leave", leave(address)).await;
    run("pings", pings(pings_address)).await;
    run("tls", tls(tls_address, authority)).await;
}
