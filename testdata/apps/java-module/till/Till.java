package till;

import java.util.ServiceLoader;
import java.util.logging.Logger;

/** Says what it takes. */
public class Till {
    public static void main(String[] arguments) {
        for (Currency currency : ServiceLoader.load(Currency.class)) {
            System.out.println("takes: " + currency.symbol());
        }
        System.out.println("module: " + Till.class.getModule());
        Logger.getLogger("till").info("closed");
    }
}
