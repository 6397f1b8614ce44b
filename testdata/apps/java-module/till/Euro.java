package till;

/** Euros: a service that the module declares and no file of META-INF does. */
public class Euro implements Currency {
    @Override
    public String symbol() {
        return "EUR";
    }
}
