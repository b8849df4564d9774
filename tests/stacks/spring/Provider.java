package stack;

import org.springframework.beans.factory.annotation.Value;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.SpringBootConfiguration;
import org.springframework.boot.autoconfigure.EnableAutoConfiguration;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RestController;

/** Answers each call with its own port. */
@SpringBootConfiguration
@EnableAutoConfiguration
@RestController
public class Provider {
    @Value("${server.port}")
    private String port;

    @GetMapping("/port")
    public String port() {
        return port;
    }

    public static void main(String[] arguments) {
        SpringApplication.run(Provider.class, arguments);
    }
}
