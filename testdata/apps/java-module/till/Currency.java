package till;

/** What is paid with. */
public interface Currency {
    String symbol();
}
