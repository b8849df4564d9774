package stack;

import org.apache.dubbo.config.ApplicationConfig;
import org.apache.dubbo.config.ReferenceConfig;
import org.apache.dubbo.config.RegistryConfig;
import org.apache.dubbo.config.bootstrap.DubboBootstrap;

/** Calls the providers, over and over; a line of output for each call: see README.md. */
public final class Consumer {
    public static void main(String[] arguments) throws Exception {
        ReferenceConfig<Ports> reference = new ReferenceConfig<>();
        reference.setInterface(Ports.class);
        reference.setRetries(0); // A call to a dead provider has to be seen.
        ApplicationConfig application = new ApplicationConfig("stack-consumer");
        application.setQosEnable(false);
        DubboBootstrap.getInstance()
            .application(application)
            .registry(new RegistryConfig(arguments[0]))
            .reference(reference)
            .start();
        Ports ports = reference.get();
        for (;; Thread.sleep(20)) {
            try {
                System.out.println("served " + ports.port());
            } catch (RuntimeException e) {
                System.out.println("failed " + e.toString().replace('\n', ' '));
            }
        }
    }
}
