package stack;

/** The service. */
public interface Ports {
    int port();
}
