import com.alibaba.nacos.api.NacosFactory;
import com.alibaba.nacos.api.naming.NamingService;
import com.alibaba.nacos.api.naming.listener.EventListener;
import com.alibaba.nacos.api.naming.listener.NamingEvent;
import com.alibaba.nacos.api.naming.pojo.Instance;
import com.alibaba.nacos.api.naming.pojo.ListView;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.TreeMap;
import java.util.logging.Handler;
import java.util.logging.Level;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import java.util.logging.SimpleFormatter;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A NamingService of any version from 1.4 on, moved by lines of JSON: a command per line on stdin,
 * its answer and what the client hears on stdout (see README.md), the client's log on stderr.
 */
public final class Driver {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final PrintStream OUT =
        new PrintStream(System.out, true, StandardCharsets.UTF_8);
    private static final Map<String, EventListener> LISTENERS = new HashMap<>();

    public static void main(String[] arguments) throws Exception {
        System.setOut(System.err);
        Logger root = Logger.getLogger("");
        for (Handler handler : root.getHandlers()) {
            root.removeHandler(handler);
        }
        root.addHandler(new ClientLog());
        CLIENT_LOG.setLevel(Level.FINE);

        Properties properties = new Properties();
        properties.setProperty("serverAddr", arguments[0]);
        properties.setProperty("namespace", arguments[1]);
        NamingService naming = NacosFactory.createNamingService(properties);
        say("answer", "ready");

        BufferedReader commands =
            new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line; (line = commands.readLine()) != null; ) {
            JsonNode command = JSON.readTree(line);
            if (command.get("do").asText().equals("quit")) {
                naming.shutDown();
                say("answer", "bye");
                System.exit(0);
            }
            try {
                say("answer", run(naming, command));
            } catch (Exception e) {
                e.printStackTrace();
                say("error", e.toString());
            }
        }
        System.exit(3); // Whoever gave the commands is gone.
    }

    private static Object run(NamingService naming, JsonNode command) throws Exception {
        String action = command.get("do").asText();
        if (action.equals("status")) {
            return naming.getServerStatus();
        }
        String group = command.get("group").asText();
        if (action.equals("services")) {
            ListView<String> page = naming.getServicesOfServer(
                command.get("page").asInt(), command.get("size").asInt(), group);
            return Map.of("count", page.getCount(), "names", page.getData());
        }
        String service = command.get("service").asText();
        switch (action) {
            case "register":
                naming.registerInstance(service, group, instance(command));
                return "ok";
            case "batch":
                List<Instance> all = new ArrayList<>();
                command.get("instances").forEach(x -> all.add(instance(x)));
                // Not in every version.
                NamingService.class
                    .getMethod("batchRegisterInstance", String.class, String.class, List.class)
                    .invoke(naming, service, group, all);
                return "ok";
            case "deregister":
                naming.deregisterInstance(service, group, instance(command));
                return "ok";
            case "list":
                boolean subscribed = command.path("subscribed").asBoolean();
                return naming.getAllInstances(service, group, subscribed);
            case "select":
                return naming.selectInstances(service, group, true, false);
            case "subscribe":
                EventListener listener = event -> {
                    NamingEvent change = (NamingEvent) event;
                    tell("event", "changed", "hosts", change.getInstances(),
                        "by", ClientLog.lastChangeBy);
                };
                LISTENERS.put(group + "@@" + service, listener);
                naming.subscribe(service, group, listener);
                return "ok";
            case "unsubscribe":
                naming.unsubscribe(service, group, LISTENERS.remove(group + "@@" + service));
                return "ok";
            default:
                throw new IllegalArgumentException(action);
        }
    }

    private static Instance instance(JsonNode command) {
        Instance x = new Instance();
        x.setIp(command.get("ip").asText());
        x.setPort(command.get("port").asInt());
        x.setClusterName(command.get("cluster").asText());
        if (command.has("healthy")) {
            x.setHealthy(command.get("healthy").asBoolean());
        }
        if (command.path("persistent").asBoolean()) {
            x.setEphemeral(false);
        }
        if (command.has("weight")) {
            x.setWeight(command.get("weight").asDouble());
        }
        if (command.has("metadata")) {
            Map<String, String> metadata = new TreeMap<>();
            command.get("metadata").fields()
                .forEachRemaining(entry -> metadata.put(entry.getKey(), entry.getValue().asText()));
            x.setMetadata(metadata);
        }
        return x;
    }

    private static void say(String key, Object value) {
        tell(key, value);
    }

    private static void tell(Object... keysAndValues) {
        Map<Object, Object> line = new TreeMap<>();
        for (int i = 0; i < keysAndValues.length; i += 2) {
            line.put(keysAndValues[i], keysAndValues[i + 1]);
        }
        try {
            String text = JSON.writeValueAsString(line);
            synchronized (OUT) {
                OUT.println(text);
            }
        } catch (Exception e) {
            e.printStackTrace();
            System.exit(4);
        }
    }

    /** Held here because the log manager keeps loggers weakly. */
    private static final Logger CLIENT_LOG = Logger.getLogger("com.alibaba.nacos.client.naming");

    /** Repeats the client's log on stderr and tells of the lines the tests go by. */
    private static final class ClientLog extends Handler {
        private static final SimpleFormatter FORMATTER = new SimpleFormatter();
        private static final Pattern PACKET_TIME = Pattern.compile("\"lastRefTime\":\"?(\\d+)");
        private static final Pattern CONNECTED =
            Pattern.compile("Success to connect (?:to|a) server \\[([^]]+)\\]");

        /** What brought the last change of a list: a push or a query of the client. */
        static volatile String lastChangeBy = "";

        @Override
        public void publish(LogRecord record) {
            String text = FORMATTER.formatMessage(record);
            String thread = Thread.currentThread().getName();
            Object thrown = record.getThrown() == null ? "" : record.getThrown();
            System.err.printf("%tT.%<tL [%s] %s %s%n", record.getMillis(), thread, text, thrown);
            Matcher connected = CONNECTED.matcher(text);
            if (connected.find()) {
                tell("event", "connected", "to", connected.group(1));
            }
            if (record.getLoggerName() == null
                || !record.getLoggerName().equals(CLIENT_LOG.getName())) {
                return;
            }
            if (text.matches("(?s)(init new|new|removed|modified) ips.*")) {
                lastChangeBy = origin(thread);
            } else if (text.startsWith("received push data: ")) {
                tell("event", "datagram", "number", packetTime(text));
            } else if (text.startsWith("HTTP method: PUT") && text.contains("/instance/beat?")) {
                tell("event", "beat", "light", !text.contains("body: {beat="));
            } else if (text.startsWith("HTTP method: GET") && text.contains("/instance/list?")) {
                tell("event", "query");
            } else if (text.startsWith("[REGISTER-SERVICE]")) {
                tell("event", "registers");
            }
        }

        private static String origin(String thread) {
            return thread.equals("com.alibaba.nacos.naming.push.receiver") ? "push" : "query";
        }

        /** The packet's own number is the last one; those before it are inside its data. */
        private static long packetTime(String text) {
            long last = 0;
            for (Matcher m = PACKET_TIME.matcher(text); m.find(); ) {
                last = Long.parseLong(m.group(1));
            }
            return last;
        }

        @Override
        public void flush() {
        }

        @Override
        public void close() {
        }
    }
}
