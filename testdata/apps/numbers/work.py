import io

import numpy
import pandas
import scipy.fft
import scipy.linalg
import scipy.optimize

matrix = numpy.array([[4.0, 1.0], [1.0, 3.0]])
print("eigenvalues", numpy.round(numpy.linalg.eigvalsh(matrix), 6).tolist())
print("solution", scipy.linalg.solve(matrix, [1.0, 2.0]).round(6).tolist())
print("minimum", round(scipy.optimize.minimize_scalar(lambda x: (x - 2) ** 2).x, 6))
print("spectrum", numpy.abs(scipy.fft.fft([1, 0, 0, 0])).tolist())
table = pandas.read_csv(io.StringIO("day,city,rain\n2024-03-01,Bonn,3\n2024-03-02,Bonn,5\n2024-03-01,Kiel,7\n"))
table["day"] = pandas.to_datetime(table["day"]).dt.tz_localize("Europe/Berlin")
print(table.groupby("city")["rain"].mean().to_json())
print(table["day"].max().isoformat())
