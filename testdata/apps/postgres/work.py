import psycopg

with psycopg.connect("host=/run/postgresql dbname=shop user=shop") as connection:
    connection.execute("create table if not exists goods(name text, price numeric)")
    connection.execute("truncate goods")
    connection.cursor().executemany("insert into goods values (%s, %s)", [("tea", 2.5), ("bread", 4)])
    print("goods", *connection.execute("select count(*), sum(price) from goods").fetchone())
    print(psycopg.pq.__impl__)
