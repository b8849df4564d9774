//! A naming service moved by lines of JSON: a command per line on stdin, its answer and what the
//! client hears on stdout (see ../../README.md), the client's log on stderr.

use std::collections::HashMap;
use std::io::{BufRead, Write};
use std::sync::Arc;

use nacos_sdk::api::error::Result;
use nacos_sdk::api::naming::{
    NamingChangeEvent, NamingEventListener, NamingService, NamingServiceBuilder, ServiceInstance,
};
use nacos_sdk::api::props::ClientProps;
use serde_json::{json, Value};

fn tell(line: Value) {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}")
        .and_then(|()| out.flush())
        .expect("stdout is read");
}

struct Listener;

impl NamingEventListener for Listener {
    fn event(&self, event: Arc<NamingChangeEvent>) {
        tell(json!({"event": "changed", "hosts": event.instances.clone().unwrap_or_default()}));
    }
}

type Listeners = HashMap<String, Arc<dyn NamingEventListener>>;

fn text(x: &Value, key: &str) -> String {
    x[key].as_str().unwrap_or_default().to_owned()
}

fn number(x: &Value, key: &str) -> i32 {
    x[key].as_i64().unwrap_or_default() as i32
}

fn instance(x: &Value) -> ServiceInstance {
    let metadata = x["metadata"].as_object().into_iter().flatten();
    ServiceInstance {
        ip: text(x, "ip"),
        port: number(x, "port"),
        weight: x["weight"].as_f64().unwrap_or(1.0),
        healthy: x["healthy"].as_bool().unwrap_or(true),
        ephemeral: !x["persistent"].as_bool().unwrap_or(false),
        cluster_name: x["cluster"].as_str().map(str::to_owned),
        metadata: metadata
            .map(|(key, value)| (key.clone(), value.as_str().unwrap_or_default().to_owned()))
            .collect(),
        ..Default::default()
    }
}

async fn run(naming: &NamingService, listeners: &mut Listeners, x: &Value) -> Result<Value> {
    let service = text(x, "service");
    let group = Some(text(x, "group"));
    let key = format!("{}@@{service}", text(x, "group"));
    let done = json!("ok");
    Ok(match text(x, "do").as_str() {
        "register" => {
            naming
                .register_instance(service, group, instance(x))
                .await?;
            done
        }
        "batch" => {
            let all = x["instances"]
                .as_array()
                .into_iter()
                .flatten()
                .map(instance)
                .collect();
            naming.batch_register_instance(service, group, all).await?;
            done
        }
        "deregister" => {
            naming
                .deregister_instance(service, group, instance(x))
                .await?;
            done
        }
        "list" => json!(
            naming
                .get_all_instances(service, group, vec![], false)
                .await?
        ),
        "select" => json!(
            naming
                .select_instances(service, group, vec![], false, true)
                .await?
        ),
        "services" => {
            let (page, size) = (number(x, "page"), number(x, "size"));
            let (names, count) = naming.get_service_list(page, size, group).await?;
            json!({"count": count, "names": names})
        }
        "subscribe" => {
            let listener = listeners
                .entry(key)
                .or_insert_with(|| Arc::new(Listener))
                .clone();
            naming.subscribe(service, group, vec![], listener).await?;
            done
        }
        "unsubscribe" => {
            let listener = listeners.remove(&key).expect("it is subscribed");
            naming.unsubscribe(service, group, vec![], listener).await?;
            done
        }
        unknown => panic!("unknown: {unknown}"),
    })
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_ansi(false)
        .init();
    // The client's work is done on threads of its own.
    let here = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("runtime");
    let props = ClientProps::new()
        .server_addr(arguments[1].clone())
        .namespace(arguments[2].clone())
        .app_name("interop");
    let naming = here
        .block_on(NamingServiceBuilder::new(props).build())
        .expect("a client");
    tell(json!({"answer": "ready"}));

    let mut listeners = Listeners::new();
    for line in std::io::stdin().lock().lines() {
        let command: Value = serde_json::from_str(&line.expect("UTF-8")).expect("JSON");
        if command["do"] == "quit" {
            tell(json!({"answer": "bye"}));
            std::process::exit(0);
        }
        match here.block_on(run(&naming, &mut listeners, &command)) {
            Ok(answer) => tell(json!({"answer": answer})),
            Err(error) => tell(json!({"error": error.to_string()})),
        }
    }
    std::process::exit(3); // Whoever gave the commands is gone.
}
