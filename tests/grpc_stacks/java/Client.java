import io.grpc.CallOptions;
import io.grpc.ClientCall;
import io.grpc.Grpc;
import io.grpc.InsecureChannelCredentials;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.MethodDescriptor.MethodType;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.TlsChannelCredentials;
import io.grpc.netty.shaded.io.grpc.netty.NettyChannelBuilder;
import io.grpc.stub.ClientCalls;
import io.grpc.stub.MetadataUtils;
import java.io.ByteArrayInputStream;
import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The checks with grpc-java: see ../README.md. */
public class Client {
  static final int MIB = 1 << 20;
  static final int[] SIZES = {0, 1, 1000, 16384, 65536, 1000000, 4 * MIB, 10 * MIB};
  static final String TEXT = "nö: 100 % – 错误\n";
  static final byte[] NOTHING = {};

  /** Bytes as they are. */
  static final MethodDescriptor.Marshaller<byte[]> RAW =
      new MethodDescriptor.Marshaller<byte[]>() {
        @Override
        public InputStream stream(byte[] x) {
          return new ByteArrayInputStream(x);
        }

        @Override
        public byte[] parse(InputStream x) {
          try {
            return x.readAllBytes();
          } catch (IOException failure) {
            throw new UncheckedIOException(failure);
          }
        }
      };

  static void check(boolean holds, Object what) {
    if (!holds) throw new AssertionError(what);
  }

  static byte[] pattern(int size) {
    byte[] x = new byte[size];
    for (int i = 0; i < size; ++i) x[i] = (byte) (i % 1021 * 31);
    return x;
  }

  static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  /** One call with its messages in a queue; the server is asked for one when it is taken. */
  static class Stream extends ClientCall.Listener<byte[]> {
    private final LinkedBlockingQueue<Object> heard = new LinkedBlockingQueue<>();
    final ClientCall<byte[], byte[]> call;

    Stream(ClientCall<byte[], byte[]> call) {
      this.call = call;
      call.start(this, new Metadata());
    }

    @Override
    public void onMessage(byte[] message) {
      heard.add(message);
    }

    @Override
    public void onClose(Status status, Metadata trailers) {
      heard.add(status);
    }

    private Object next() throws InterruptedException {
      call.request(1);
      Object next = heard.poll(30, TimeUnit.SECONDS);
      check(next != null, "nothing is heard");
      return next;
    }

    byte[] receive() throws InterruptedException {
      Object next = next();
      check(next instanceof byte[], next);
      return (byte[]) next;
    }

    Status end() throws InterruptedException {
      Object next = next();
      check(next instanceof Status, "a message after the last");
      return (Status) next;
    }

    void expect(int count, int size) throws InterruptedException {
      for (int i = 0; i < count; ++i) check(receive().length == size, "another size");
      check(end().isOk(), "another end");
    }
  }

  /** A channel with raw bytes for messages. */
  static class Echo implements AutoCloseable {
    final ManagedChannel channel;

    Echo(ManagedChannel channel) {
      this.channel = channel;
    }

    Echo(String address) {
      this(plain(address).build());
    }

    static NettyChannelBuilder plain(String address) {
      return with(Grpc.newChannelBuilder(address, InsecureChannelCredentials.create()));
    }

    static NettyChannelBuilder with(io.grpc.ManagedChannelBuilder<?> builder) {
      return ((NettyChannelBuilder) builder).maxInboundMessageSize(1 << 30);
    }

    @Override
    public void close() {
      channel.shutdown();
    }

    ClientCall<byte[], byte[]> method(String path, MethodType type, CallOptions options) {
      MethodDescriptor<byte[], byte[]> method =
          MethodDescriptor.newBuilder(RAW, RAW).setType(type).setFullMethodName(path).build();
      return channel.newCall(method, options);
    }

    static CallOptions soon() {
      return CallOptions.DEFAULT.withDeadlineAfter(30, TimeUnit.SECONDS);
    }

    byte[] call(String path, byte[] request) {
      return call(path, request, soon());
    }

    byte[] call(String path, byte[] request, CallOptions options) {
      Future<byte[]> answer = begin(path, request, options);
      try {
        return answer.get();
      } catch (ExecutionException failure) {
        throw (StatusRuntimeException) failure.getCause();
      } catch (InterruptedException failure) {
        throw new IllegalStateException(failure);
      }
    }

    Future<byte[]> begin(String path, byte[] request, CallOptions options) {
      return ClientCalls.futureUnaryCall(method(path, MethodType.UNARY, options), request);
    }

    List<Future<byte[]>> atOnce(int count) {
      List<Future<byte[]>> calls = new ArrayList<>();
      for (int i = 0; i < count; ++i)
        calls.add(begin("nacre.Echo/Unary", bytes("" + i), soon()));
      return calls;
    }

    byte[] unary(byte[] request) {
      return call("nacre.Echo/Unary", request);
    }

    Stream stream(String method, CallOptions options) {
      return new Stream(method("nacre.Echo/" + method, MethodType.BIDI_STREAMING, options));
    }

    Stream ask(String method, String request) {
      Stream stream =
          new Stream(method("nacre.Echo/" + method, MethodType.SERVER_STREAMING, soon()));
      stream.call.request(1);
      stream.call.sendMessage(bytes(request));
      stream.call.halfClose();
      return stream;
    }

    Stream many(int count, int size) {
      return ask("Many", count + " " + size);
    }

    Map<String, Integer> seen() {
      String text = new String(call("nacre.Echo/Seen", NOTHING), StandardCharsets.UTF_8);
      Map<String, Integer> seen = new LinkedHashMap<>();
      Matcher fields = Pattern.compile("\"(\\w+)\": (\\d+)").matcher(text);
      while (fields.find()) seen.put(fields.group(1), Integer.valueOf(fields.group(2)));
      return seen;
    }

    /** Until so many calls are under way at the server, with this one. */
    Map<String, Integer> awaitCalls(int number) {
      long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(10);
      for (; ; ) {
        Map<String, Integer> seen = seen();
        if (seen.get("calls") == number) return seen;
        check(System.nanoTime() < deadline, "not " + number + " calls: " + seen);
      }
    }
  }

  static void allGood(List<Future<byte[]>> calls) throws Exception {
    for (int i = 0; i < calls.size(); ++i)
      check(Arrays.equals(calls.get(i).get(), bytes("" + i)), "another message");
  }

  interface Attempt {
    void run() throws Exception;
  }

  static Status failureOf(Attempt attempt) throws Exception {
    try {
      attempt.run();
    } catch (StatusRuntimeException failure) {
      return failure.getStatus();
    }
    throw new AssertionError("no failure");
  }

  static void echoSizes(Echo echo, int... sizes) {
    for (int size : sizes)
      check(Arrays.equals(echo.unary(pattern(size)), pattern(size)), "another message of " + size);
  }

  static void echoStream(Echo echo, int... sizes) throws Exception {
    echoStream(echo, Echo.soon(), sizes);
  }

  static void echoStream(Echo echo, CallOptions options, int... sizes) throws Exception {
    Stream stream = echo.stream("Stream", options);
    stream.call.setMessageCompression(true);
    for (int size : sizes) {
      stream.call.sendMessage(pattern(size));
      check(Arrays.equals(stream.receive(), pattern(size)), "another message of " + size);
    }
    for (int size : sizes) stream.call.sendMessage(pattern(size));
    stream.call.halfClose();
    for (int size : sizes) check(stream.receive().length == size, "another size than " + size);
    check(stream.end().isOk(), "another end");
  }

  static void expect(Status status, Status.Code code, String text) {
    String told = status.getDescription();
    check(status.getCode() == code && told != null && told.startsWith(text), status);
  }

  // What follows are the tests.

  static String plainAddress, gzipAddress, pingsAddress, tlsAddress, authority, nodeAddress;

  static void sizes(Echo echo) {
    echoSizes(echo, SIZES);
  }

  static void tooLarge(Echo echo) throws Exception {
    Status status = failureOf(() -> echo.unary(pattern(10 * MIB + 1)));
    check(status.getCode() == Status.Code.RESOURCE_EXHAUSTED, status);
    check(Arrays.equals(echo.unary(bytes("next")), bytes("next")), "the next call");
  }

  static void bothWays(Echo echo) throws Exception {
    echoStream(echo, SIZES);
  }

  static void serverStream(Echo echo) throws Exception {
    echo.many(10000, 100).expect(10000, 100);
  }

  static void clientStream(Echo echo) throws Exception {
    Stream stream = echo.stream("Collect", Echo.soon());
    for (int i = 0; i < 10000; ++i) stream.call.sendMessage(pattern(100));
    stream.call.halfClose();
    check(Arrays.equals(stream.receive(), bytes("10000 1000000")), "another count");
    check(stream.end().isOk(), "another end");
  }

  static void manyCalls(Echo echo) throws Exception {
    allGood(echo.atOnce(300));
  }

  static void fail(Echo echo, Status.Code code, String text, String told) throws Exception {
    byte[] request = bytes(code.value() + " early " + text);
    expect(failureOf(() -> echo.call("nacre.Echo/Fail", request)), code, told);
    Stream stream = echo.ask("Fail", code.value() + " late " + text);
    check(Arrays.equals(stream.receive(), bytes("before")), "the message before");
    expect(stream.end(), code, told);
  }

  static void failures(Echo echo) throws Exception {
    for (int code = 1; code <= 16; ++code)
      fail(echo, Status.fromCodeValue(code).getCode(), TEXT, TEXT);
    fail(echo, Status.Code.INTERNAL, "é".repeat(10000), "é".repeat(100));
  }

  static void unknown(Echo echo) throws Exception {
    try (Echo node = new Echo(nodeAddress)) {
      for (Echo server : List.of(echo, node))
        for (String path : List.of("nacre.Echo/Nothing", "nacre.Nothing/Unary")) {
          Status status = failureOf(() -> server.call(path, NOTHING));
          check(status.getCode() == Status.Code.UNIMPLEMENTED, status);
        }
    }
  }

  static void deadline(Echo echo) throws Exception {
    long began = System.nanoTime();
    CallOptions options = CallOptions.DEFAULT.withDeadlineAfter(300, TimeUnit.MILLISECONDS);
    Status status = failureOf(() -> echo.call("nacre.Echo/Wait", NOTHING, options));
    check(status.getCode() == Status.Code.DEADLINE_EXCEEDED, status);
    long took = TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - began);
    check(took > 250 && took < 5000, took);
    echo.awaitCalls(1);
  }

  static void cancel(Echo echo) throws Exception {
    int before = echo.seen().get("cancelled");
    Future<byte[]> call = echo.begin("nacre.Echo/Wait", NOTHING, Echo.soon());
    echo.awaitCalls(2);
    call.cancel(true);
    try {
      call.get();
      check(false, "no failure");
    } catch (CancellationException expected) {
      // as it should be
    }
    check(echo.awaitCalls(1).get("cancelled") == before + 1, "not cancelled");
  }

  static void cancelStream(Echo echo) throws Exception {
    Stream many = echo.many(1000, MIB);
    many.receive();
    many.call.cancel("enough", null);
    check(echo.awaitCalls(1).get("unsent") == 0, "something waits to be sent");
  }

  static void slowReader(Echo echo) throws Exception {
    Stream many = echo.many(300, 65536);
    many.receive();
    check(echo.awaitCalls(2).get("unsent") > 0, "nothing waits");
    echoStream(echo, 0, 1000, MIB);
    many.expect(299, 65536);
  }

  static void gzip(Echo unused) throws Exception {
    try (Echo echo = new Echo(gzipAddress)) {
      CallOptions options = Echo.soon().withCompression("gzip");
      for (int size : new int[] {0, 100, MIB, 10 * MIB}) {
        byte[] answer = echo.call("nacre.Echo/Unary", pattern(size), options);
        check(Arrays.equals(answer, pattern(size)), "another message of " + size);
      }
      echoStream(echo, options, 100, MIB);
    }
  }

  static void metadata(Echo echo) throws Exception {
    Metadata.Key<String> key = Metadata.Key.of("x", Metadata.ASCII_STRING_MARSHALLER);
    Attempt[] attempts = new Attempt[2];
    int[] sizes = {8000, 20000};
    for (int i = 0; i < 2; ++i) {
      Metadata metadata = new Metadata();
      metadata.put(key, "y".repeat(sizes[i]));
      MethodDescriptor<byte[], byte[]> method =
          MethodDescriptor.newBuilder(RAW, RAW)
              .setType(MethodType.UNARY)
              .setFullMethodName("nacre.Echo/Unary")
              .build();
      attempts[i] =
          () ->
              ClientCalls.blockingUnaryCall(
                  io.grpc.ClientInterceptors.intercept(
                      echo.channel, MetadataUtils.newAttachHeadersInterceptor(metadata)),
                  method,
                  Echo.soon(),
                  NOTHING);
    }
    attempts[0].run();
    failureOf(attempts[1]);
    check(Arrays.equals(echo.unary(bytes("next")), bytes("next")), "the next call");
  }

  static void leave(Echo unused) throws Exception {
    try (Echo echo = new Echo(plainAddress)) {
      Stream stream = echo.stream("Stream", Echo.soon());
      stream.call.sendMessage(bytes("1"));
      check(Arrays.equals(stream.receive(), bytes("1")), "before");
      int first = echo.seen().get("connection");
      List<Future<byte[]>> before = echo.atOnce(40);
      Future<byte[]> left = echo.begin("nacre.Echo/Leave", NOTHING, Echo.soon());
      List<Future<byte[]>> meanwhile = echo.atOnce(40);
      check(Arrays.equals(left.get(), bytes("bye")), "no leave");
      for (List<Future<byte[]>> calls : List.of(before, meanwhile, echo.atOnce(40)))
        allGood(calls);
      check(echo.seen().get("connection") != first, "the connection is the same");
      stream.call.sendMessage(bytes("2"));
      check(Arrays.equals(stream.receive(), bytes("2")), "the stream goes on");
      stream.call.halfClose();
      check(stream.end().isOk(), "its end");
    }
  }

  static void pings(Echo unused) throws Exception {
    NettyChannelBuilder often = Echo.plain(pingsAddress);
    often.keepAliveTime(300, TimeUnit.MILLISECONDS).keepAliveTimeout(5, TimeUnit.SECONDS);
    // One asks for signs of life, the other has none to give unless it is asked.
    try (Echo asking = new Echo(often.build());
        Echo silent = new Echo(pingsAddress)) {
      List<Integer> before = new ArrayList<>();
      List<Future<byte[]>> calls = new ArrayList<>();
      for (Echo echo : List.of(asking, silent)) {
        before.add(echo.seen().get("connection"));
        calls.add(echo.begin("nacre.Echo/Wait", NOTHING, Echo.soon()));
      }
      Thread.sleep(2000); // for pings, which the caller counts
      List<Integer> after = new ArrayList<>();
      for (Echo echo : List.of(asking, silent)) after.add(echo.awaitCalls(2).get("connection"));
      check(before.equals(after), "another connection");
      for (Future<byte[]> call : calls) call.cancel(true);
    }
  }

  static void tls(Echo unused) throws Exception {
    io.grpc.ChannelCredentials trust =
        TlsChannelCredentials.newBuilder().trustManager(new File(authority)).build();
    try (Echo echo = new Echo(Echo.with(Grpc.newChannelBuilder(tlsAddress, trust)).build())) {
      echoSizes(echo, SIZES);
      echoStream(echo, SIZES);
    }
  }

  interface Test {
    void run(Echo echo) throws Exception;
  }

  static void run(PrintStream out, String name, Test test, Echo echo) {
    try {
      test.run(echo);
      out.println("passed " + name);
    } catch (Exception | AssertionError failure) {
      out.println("failed " + name + ": " + failure.toString().replace('\n', ' '));
    }
  }

  public static void main(String[] told) throws Exception {
    plainAddress = told[0];
    gzipAddress = told[1];
    pingsAddress = told[2];
    tlsAddress = told[3];
    authority = told[4];
    nodeAddress = told[5];
    Map<String, Test> tests = new LinkedHashMap<>();
    tests.put("sizes", Client::sizes);
    tests.put("too_large", Client::tooLarge);
    tests.put("stream", Client::bothWays);
    tests.put("server_stream", Client::serverStream);
    tests.put("client_stream", Client::clientStream);
    tests.put("many_calls", Client::manyCalls);
    tests.put("failures", Client::failures);
    tests.put("unknown", Client::unknown);
    tests.put("deadline", Client::deadline);
    tests.put("cancel", Client::cancel);
    tests.put("cancel_stream", Client::cancelStream);
    tests.put("slow_reader", Client::slowReader);
    tests.put("gzip", Client::gzip);
    tests.put("metadata", Client::metadata);
    tests.put("leave", Client::leave);
    tests.put("pings", Client::pings);
    tests.put("tls", Client::tls);
    PrintStream out = new PrintStream(System.out, true, "UTF-8");
    try (Echo echo = new Echo(plainAddress)) {
      tests.forEach((name, test) -> run(out, name, test, echo));
    }
    System.exit(0);
  }
}
