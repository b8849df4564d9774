package stack;

import org.apache.dubbo.config.ApplicationConfig;
import org.apache.dubbo.config.ProtocolConfig;
import org.apache.dubbo.config.RegistryConfig;
import org.apache.dubbo.config.ServiceConfig;
import org.apache.dubbo.config.bootstrap.DubboBootstrap;

/** Answers each call with its own port. Arguments: the registry, the port. */
public final class Provider {
    public static void main(String[] arguments) {
        int port = Integer.parseInt(arguments[1]);
        ServiceConfig<Ports> service = new ServiceConfig<>();
        service.setInterface(Ports.class);
        service.setRef(() -> port);
        ApplicationConfig application = new ApplicationConfig("stack-provider");
        application.setQosEnable(false);
        DubboBootstrap.getInstance()
            .application(application)
            .registry(new RegistryConfig(arguments[0]))
            .protocol(new ProtocolConfig("dubbo", port))
            .service(service)
            .start()
            .await();
    }
}
