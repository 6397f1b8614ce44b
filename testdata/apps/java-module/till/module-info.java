/** A till that finds its currencies as a service. */
module till {
    requires java.logging;
    uses till.Currency;
    provides till.Currency with till.Euro;
}
