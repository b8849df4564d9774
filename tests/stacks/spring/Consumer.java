package stack;

import org.springframework.boot.SpringApplication;
import org.springframework.boot.SpringBootConfiguration;
import org.springframework.boot.autoconfigure.EnableAutoConfiguration;
import org.springframework.cloud.client.loadbalancer.LoadBalanced;
import org.springframework.context.annotation.Bean;
import org.springframework.web.client.RestTemplate;

/** Calls the providers in turn, over and over; a line of output for each call: see README.md. */
@SpringBootConfiguration
@EnableAutoConfiguration
public class Consumer {
    @Bean
    @LoadBalanced
    public RestTemplate template() {
        return new RestTemplate();
    }

    public static void main(String[] arguments) throws Exception {
        RestTemplate template =
            SpringApplication.run(Consumer.class, arguments).getBean(RestTemplate.class);
        for (;; Thread.sleep(20)) {
            try {
                String port = template.getForObject("http://stack-provider/port", String.class);
                System.out.println("served " + port);
            } catch (RuntimeException e) {
                System.out.println("failed " + e.toString().replace('\n', ' '));
            }
        }
    }
}
